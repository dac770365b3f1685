package apply

import (
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/snapshot"
)

// RecordFormat is the newest format of records that is known here. A newer one may say
// what this version would leave behind.
const RecordFormat = 1

// Record is what one part was about to do, or did, to one cluster: enough to take it
// back. It is written as JSON; the objects in it are sealed, since they may hold secrets.
type Record struct {
	// Format is that of the record itself; see RecordFormat.
	Format int         `json:"format"`
	RunID  string      `json:"runID"`
	Part   string      `json:"part"`
	Kind   change.Kind `json:"kind"`
	// Index is the part's place in the change; with RunID it names the inventory.
	Index   int     `json:"index"`
	Entries []Entry `json:"entries,omitempty"`
	// Release is set by the Helm back end.
	Release *Release `json:"release,omitempty"`
	// Terraform is set by the Terraform back end.
	Terraform *Terraform `json:"terraform,omitempty"`

	key     []byte
	save    func(*Record) error
	related []*Record
}

// Entry is one object that the part creates, updates or deletes.
type Entry struct {
	Object  snapshot.Key  `json:"object"`
	Version string        `json:"version"` // of its API, such as "v1"
	Action  change.Action `json:"action"`
	// UID is that of the object: known before for what was there, after for what was created.
	UID types.UID `json:"uid,omitempty"`
	// Before is the object as it was; empty for one to be created.
	Before Sealed `json:"before,omitempty"`
	// After is the object as the dry run predicted it, or as the change has it where no
	// dry run could be made; empty for one to be deleted.
	After Sealed `json:"after,omitempty"`
	// Hook is true for a Helm hook's object, which Helm deletes and creates as it likes.
	Hook bool `json:"hook,omitempty"`
}

// Release is the Helm release that a part installs or upgrades.
type Release struct {
	Name      string `json:"name"`
	Namespace string `json:"namespace"`
	// Previous is the revision that was in force, and PreviousStatus its status; 0 where
	// there was no release.
	Previous       int    `json:"previous,omitempty"`
	PreviousStatus string `json:"previousStatus,omitempty"`
	// Revision is the one that the part makes.
	Revision int `json:"revision"`
}

// NewRecord starts the record of a part. The key (32 bytes) seals the objects; save is
// called before each mutation and must not return before the record is durable.
func NewRecord(runID string, index int, part change.Part, key []byte, save func(*Record) error) *Record {
	return &Record{Format: RecordFormat, RunID: runID, Index: index, Part: part.Name(), Kind: part.Kind(), key: key, save: save}
}

// Resume gives a record that was read back its key and its save function.
func (r *Record) Resume(key []byte, save func(*Record) error) { r.key, r.save = key, save }

// Relate tells a record of the other parts of its change, before it is reverted: what the
// workloads of one part write belongs to the change, whichever part has its CRDs, and a
// policy needs the engine of another part to let go of it.
func (r *Record) Relate(others ...*Record) {
	for _, o := range others {
		if o != r {
			r.related = append(r.related, o)
		}
	}
}

// all are the record and those of the other parts.
func (r *Record) all() []*Record { return append([]*Record{r}, r.related...) }

// Save makes the record durable.
func (r *Record) Save() error {
	if r.save == nil {
		return fmt.Errorf("saving the record of %s: it has no save function", r.Part)
	}
	if err := r.save(r); err != nil {
		return fmt.Errorf("saving the record of %s: %w", r.Part, err)
	}
	return nil
}

func (e *Entry) gvk() schema.GroupVersionKind {
	return schema.GroupVersionKind{Group: e.Object.Group, Version: e.Version, Kind: e.Object.Kind}
}

// before is the object as it was, nil where there was none.
func (r *Record) before(e *Entry) (*unstructured.Unstructured, error) { return r.open(e, e.Before) }

// after is the object as it was predicted, nil where it was to be deleted.
func (r *Record) after(e *Entry) (*unstructured.Unstructured, error) { return r.open(e, e.After) }

func (r *Record) open(e *Entry, s Sealed) (*unstructured.Unstructured, error) {
	if len(s) == 0 {
		return nil, nil
	}
	o := &unstructured.Unstructured{}
	if err := s.Open(r.key, r.RunID+e.Object.String(), &o.Object); err != nil {
		return nil, fmt.Errorf("reading %s from the record of %s: %w", e.Object, r.Part, err)
	}
	return o, nil
}

func (r *Record) seal(k snapshot.Key, o *unstructured.Unstructured) (Sealed, error) {
	if o == nil {
		return nil, nil
	}
	s, err := Seal(r.key, r.RunID+k.String(), o.Object)
	if err != nil {
		return nil, fmt.Errorf("writing %s into the record of %s: %w", k, r.Part, err)
	}
	return s, nil
}

// find returns the entry of an object, nil where there is none.
func (r *Record) find(k snapshot.Key) *Entry {
	for i := range r.Entries {
		if r.Entries[i].Object == k {
			return &r.Entries[i]
		}
	}
	return nil
}
