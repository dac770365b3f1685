package reach

import (
	"cmp"
	"slices"
)

// Edge is one thing that should, or should not, be reachable: from a vantage to a target.
//
// Endpoints are written as in reports:
//
//	external                          outside the cluster
//	ingress/NAMESPACE/NAME            as From: the controller that serves this Ingress;
//	                                  as To: what the Ingress publishes, end to end
//	httproute/NAMESPACE/NAME          the same for a Gateway API HTTPRoute
//	pod/NAMESPACE/NAME                one pod; as To with :PORT/PROTOCOL
//	deployment|statefulset|daemonset|job/NAMESPACE/NAME
//	                                  any pod of the workload; as To with :PORT/PROTOCOL
//	service/NAMESPACE/NAME:PORT/PROTOCOL
//	ip/ADDRESS:PORT/PROTOCOL          something outside, by address
//
// PROTOCOL is TCP, UDP or SCTP; TCP where it is left out in a checks file.
type Edge struct {
	From string `json:"from"`
	To   string `json:"to"`
	// Host and Path narrow an HTTP edge; both are empty on others.
	Host string `json:"host,omitempty"`
	Path string `json:"path,omitempty"`
}

// Compare orders edges by their four fields.
func (e Edge) Compare(o Edge) int {
	return cmp.Or(cmp.Compare(e.From, o.From), cmp.Compare(e.To, o.To),
		cmp.Compare(e.Host, o.Host), cmp.Compare(e.Path, o.Path))
}

// String is the edge as reports show it: "external -> ingress/shop/web (shop.example/cart)".
func (e Edge) String() string {
	s := e.From + " -> " + e.To
	if e.Host != "" || e.Path != "" {
		s += " (" + e.Host + e.Path + ")"
	}
	return s
}

// Result is the outcome of one edge, and why. A result that is not Reachable always has
// a reason: the policy and rule (or the absence of one), the missing endpoint, the port.
type Result struct {
	Edge
	Outcome Outcome `json:"outcome"`
	Reason  string  `json:"reason"`
	// Cause is the part of the reason that other edges may share: the rule of a policy, or
	// the end of a tier, without the names of the two ends. Empty where no policy decides.
	Cause string `json:"cause,omitempty"`
}

// Matrix is the outcomes of a set of edges, found in one way.
type Matrix struct {
	Grade Grade    `json:"grade"`
	Edges []Result `json:"edges"`
	// Notes are what a reader should know beside the outcomes: policies without effect on
	// pods, and objects that could not be read.
	Notes []string `json:"notes,omitempty"`
}

// Sort orders the results by edge, so that equal matrices print equally.
func (m *Matrix) Sort() {
	slices.SortFunc(m.Edges, func(a, b Result) int { return a.Compare(b.Edge) })
}
