package change

import "github.com/stagegate/stagegate/internal/snapshot"

// Action is what a change does to one object or resource.
type Action string

// The closed set of actions.
const (
	Create  Action = "create"
	Update  Action = "update"
	Replace Action = "replace" // Terraform only: deleted and made anew
	Delete  Action = "delete"
	Keep    Action = "unchanged"
)

// Risk names a high-risk part, after what it can break.
type Risk string

// The high-risk parts.
const (
	RiskCRD      Risk = "crd"
	RiskWebhook  Risk = "webhook"
	RiskPolicy   Risk = "policy"
	RiskCNI      Risk = "cni"
	RiskRBAC     Risk = "rbac"
	RiskStorage  Risk = "storage"
	RiskSystem   Risk = "kube-system"
	RiskDeletion Risk = "deletion" // replace or delete of anything, or nobody managing it any more
)

// Field is one field that differs. Values are for people, masked where they are secret.
type Field struct {
	Path   string `json:"path"` // "spec.template.spec.containers[0].image"
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
}

// Item is what would happen to one object, or to one Terraform resource (then Address is set).
type Item struct {
	Part    string       `json:"part"`
	Action  Action       `json:"action"`
	Object  snapshot.Key `json:"object"`
	Address string       `json:"address,omitempty"`
	Risks   []Risk       `json:"risks,omitempty"`
	Fields  []Field      `json:"fields,omitempty"`
	// Note says what a plan could not find out yet, such as why no dry run was made.
	Note string `json:"note,omitempty"`
}

// Set is all that a change would do to one cluster, in order of part and object.
type Set struct {
	Items []Item `json:"items"`
	// Summaries are what the plans of parts come to, for the comparison of environments;
	// evidence keeps them.
	Summaries []Summary `json:"-"`
	// Failures are what must not be carried out, as the change itself (preconditions) or
	// its nature (deleting a cluster) has it; they block.
	Failures []string `json:"failures,omitempty"`
}

// Join appends what another set has.
func (s *Set) Join(o Set) {
	s.Items = append(s.Items, o.Items...)
	s.Summaries = append(s.Summaries, o.Summaries...)
	s.Failures = append(s.Failures, o.Failures...)
}

// Count is the number of items with that action.
func (s Set) Count(a Action) int {
	n := 0
	for _, i := range s.Items {
		if i.Action == a {
			n++
		}
	}
	return n
}
