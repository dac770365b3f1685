package reach

// Expectation is an edge with what is expected of it, and who says so.
type Expectation struct {
	Edge
	// Want is Reachable or Unreachable where a checks file declares the edge, and Unknown
	// where it was discovered: then only the difference from the baseline counts.
	Want Outcome `json:"want,omitempty"`
	// Source is the declaration (checks.yaml:12) or the object that the edge was
	// discovered from (Ingress shop/web).
	Source string `json:"source"`
	// Name is the declared check's name, if any.
	Name string `json:"name,omitempty"`
}
