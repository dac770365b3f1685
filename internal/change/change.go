// Package change has the words of a proposed change: its parts, its digest, and the typed
// set of what it would do to a cluster. How each kind is loaded and rendered is in the
// sub-packages: manifest (also kustomizations), helm, terraform and bundle.
package change

import (
	"context"

	"github.com/stagegate/stagegate/internal/snapshot"
)

// Kind is a kind of change.
type Kind string

// The kinds of change.
const (
	Manifest  Kind = "manifest"
	Kustomize Kind = "kustomize"
	Helm      Kind = "helm"
	Terraform Kind = "terraform"
	Bundle    Kind = "bundle"
)

// Source is a change as the user names it.
type Source struct {
	// Path is a file, a directory, or a chart reference (oci://…, or a chart's name with Repository).
	Path string
	Kind Kind // empty: detected from Path
	// The rest is for Helm charts.
	Release    string   // release name
	Namespace  string   // release namespace; default namespace of manifests
	Values     []string // values files, in order
	Set        []string // key=value, in order, over the files
	Version    string   // chart version or constraint, for OCI and repositories
	Repository string   // chart repository URL
}

// Target is what a change is rendered for.
type Target struct {
	ClusterName string
	// Variables are the environment's; Helm gets them as values, manifests that opt in as ${name}.
	Variables map[string]any
	// KubeVersion ("v1.37.2") and APIVersions ("apps/v1", "apps/v1/Deployment") are the
	// target cluster's capabilities; empty where no cluster is at hand.
	KubeVersion string
	APIVersions []string
	// Known is what the target has already, for the scope of custom kinds; may be nil.
	Known *snapshot.Snapshot
	// Unanswered is told what rendering asks of a cluster and is not answered, so that
	// what comes out may differ from what is applied; may be nil.
	Unanswered func(question string)
}

// Part is one step of a change that one tool carries out.
type Part interface {
	Kind() Kind
	// Name is short and for people: the path, or the release.
	Name() string
	// Digest covers all content of the part that can influence a cluster: files, values,
	// options; not file order, times, owners or where the files lie.
	Digest() Digest
}

// Renderer is a part whose objects can be known without touching a cluster. The objects
// are in the order of the files; each has the Source it came from.
type Renderer interface {
	Part
	Render(ctx context.Context, target Target) ([]snapshot.Object, error)
}

// Released is a part that is installed as one release into a namespace, which is made where
// it is absent, as helm upgrade --install --create-namespace does.
type Released interface {
	Part
	Namespace() string
}

// Change is what is proposed: parts, applied in order and reverted in reverse.
type Change struct {
	Name  string
	Kind  Kind // Bundle where it has been written as one, else the kind of its only part
	Parts []Part
}

// Digest is the SHA-256 over the kinds and digests of the parts, in order.
func (c *Change) Digest() Digest {
	h := NewHash("change")
	for _, p := range c.Parts {
		h.Add(string(p.Kind()), []byte(p.Digest()))
	}
	return h.Sum()
}

// Loader reads a change's source into one part.
type Loader interface {
	Load(ctx context.Context, source Source) (Part, error)
}
