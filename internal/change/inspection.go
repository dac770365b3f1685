package change

import (
	"context"

	"github.com/stagegate/stagegate/internal/snapshot"
)

// Inspection is what is known of a part that cannot be rendered, and what is not.
type Inspection struct {
	// Objects are those that the part is known to put into a cluster, each with its Source.
	Objects []snapshot.Object
	// Removed are those that it is known to delete.
	Removed []snapshot.Key
	// Items are what it would do beside that, such as to resources of a cloud.
	Items []Item
	// Refused is what is not allowed, Unclear what could not be found out, and Remarks what
	// is worth knowing; each names its place.
	Refused, Unclear, Remarks []string
}

// Join adds what is known of another part.
func (i *Inspection) Join(o *Inspection) {
	i.Objects = append(i.Objects, o.Objects...)
	i.Removed = append(i.Removed, o.Removed...)
	i.Items = append(i.Items, o.Items...)
	i.Refused = append(i.Refused, o.Refused...)
	i.Unclear = append(i.Unclear, o.Unclear...)
	i.Remarks = append(i.Remarks, o.Remarks...)
}

// Inspector finds out what can be known of a part without applying it.
type Inspector func(ctx context.Context, part Part, target Target) (*Inspection, error)
