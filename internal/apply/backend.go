// Package apply carries a change to a cluster and takes it back: plan by server-side dry
// run, server-side apply in the order that lets each object find what it needs, readiness,
// and a revert in the order that lets controllers clean up.
//
// Objects carries out rendered objects (manifests, kustomizations); the sub-package helm
// carries out Helm charts.
package apply

import (
	"context"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/report"
	"github.com/stagegate/stagegate/internal/snapshot"
)

// Backend carries one kind of change part to one cluster and takes it back. Its errors do not
// name the part: the caller does.
type Backend interface {
	// Plan finds out what the part would do, and changes nothing. Pending carries what
	// the parts before it would create; what this part would create is added to it.
	Plan(ctx context.Context, part change.Part, target change.Target, pending *Pending) (change.Set, error)
	// Apply carries the part out and waits until it is ready. Everything that a revert
	// needs is in the record, and saved, before each mutation; so Revert may follow an
	// error, a time-out, or the death of the process at any point.
	Apply(ctx context.Context, part change.Part, target change.Target, record *Record, progress Progress) error
	// Revert takes back what the record says. It may be run again until its outcome is
	// complete: what has been put back already is left alone. An error means that the
	// revert could not be carried through; Left that it was, with these exceptions.
	Revert(ctx context.Context, record *Record, progress Progress) (Outcome, error)
	// Commit makes an applied part final: it removes the inventory from the cluster.
	Commit(ctx context.Context, record *Record) error
}

// Outcome is how a revert ended.
type Outcome struct {
	// Left is what could not be put back, and why.
	Left []report.Left
	// Kept is what others changed since, and was therefore left as it is.
	Kept []report.Left
}

// Complete is true where nothing is left to do.
func (o Outcome) Complete() bool { return len(o.Left) == 0 }

// Leave notes what could not be put back.
func (o *Outcome) Leave(k snapshot.Key, why string) {
	o.Left = append(o.Left, report.Left{Object: k, Why: why})
}

func (o *Outcome) kept(k snapshot.Key, why string) {
	o.Kept = append(o.Kept, report.Left{Object: k, Why: why})
}

// Step is what is being done to an object.
type Step string

// The steps that are reported.
const (
	Applied  Step = "applied"
	Waiting  Step = "waiting"
	Ready    Step = "ready"
	Deleted  Step = "deleted"
	Restored Step = "restored"
	Noted    Step = "note"
)

// Event is one line of progress.
type Event struct {
	Step   Step
	Object snapshot.Key // zero where it is not about one object
	Detail string       // for people; never a secret
}

// Progress receives events, one at a time. It may be nil.
type Progress func(Event)

// Note reports what is not about one object.
func (p Progress) Note(detail string) { p.Send(Noted, snapshot.Key{}, detail) }

// Send reports one event.
func (p Progress) Send(step Step, object snapshot.Key, detail string) {
	if p != nil {
		p(Event{step, object, detail})
	}
}
