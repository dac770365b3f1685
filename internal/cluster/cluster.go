// Package cluster says what a provider of clusters does. The providers are its
// sub-packages; clustertest is the one conformance suite for all of them.
package cluster

import (
	"context"
	"io"

	"k8s.io/client-go/rest"

	"github.com/stagegate/stagegate/internal/reach"
)

// Cluster is a running cluster whose API has answered.
type Cluster struct {
	// Name is the cluster name, the one variable that selects the target.
	Name string
	// Provider is the provider's name, such as "embedded" or "kind".
	Provider string
	// UID is the identity: the UID of the namespace kube-system.
	UID string
	// Version is the API server's version, such as "v1.37.2".
	Version string
	// Kubeconfig is the path of a kubeconfig file for this cluster alone.
	Kubeconfig string
	// REST is the client configuration; it is private to this value.
	REST *rest.Config
	// Best is the best grade that can be reached here: Modelled where pods are simulated.
	Best reach.Grade
	// Disposable is true where a dirty cluster may be thrown away and made anew.
	Disposable bool
	// Release gives up this use. A cluster that this use started is stopped and keeps
	// its state; one that was found running goes on. It may be called more than once.
	Release func(context.Context) error
}

// State is how a provider finds a cluster.
type State string

// The states of a cluster. Broken is anything that Ensure would have to mend.
const (
	Absent  State = "absent"
	Stopped State = "stopped"
	Running State = "running"
	Broken  State = "broken"
)

// Status is what a provider knows of a cluster without changing anything.
type Status struct {
	State   State
	UID     string // empty unless running
	Version string // empty unless running
	Detail  string // for people
}

// Progress receives one line for each step that a provider takes.
type Progress func(format string, args ...any)

// Provider brings a cluster into being, or finds it.
type Provider interface {
	// Ensure returns the cluster of that name with an API that answers, making or
	// starting it where the provider can. With keep, a cluster started here goes on
	// after Release and after this process ends.
	Ensure(ctx context.Context, name string, keep bool, progress Progress) (*Cluster, error)
	// Status looks without touching.
	Status(ctx context.Context, name string) (Status, error)
}

// Destroyer is a provider whose clusters stagegate itself made, and may destroy.
// Destroying an absent cluster is no error.
type Destroyer interface {
	Destroy(ctx context.Context, name string, progress Progress) error
}

// ImageLoader is a provider that can carry images from the local engine into its nodes.
type ImageLoader interface {
	// LoadImages carries all of them; one that the engine does not have is an error.
	LoadImages(ctx context.Context, name string, images []string, progress Progress) error
	// LocalImages are those of the images that the engine has built itself, which no node
	// could pull.
	LocalImages(ctx context.Context, images []string) ([]string, error)
}

// ArchiveLoader is a provider that can carry an image archive, as "docker save" writes
// it, into its nodes without any registry or local engine. Nodes that have the image of
// that reference already are skipped.
type ArchiveLoader interface {
	LoadArchive(ctx context.Context, name, image string, archive func() (io.ReadCloser, error), progress Progress) error
}
