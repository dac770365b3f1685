// Package config reads the files that users write: environments and checks. Parsing is
// strict; every error names file and line.
package config

import (
	"time"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/reach"
)

// Environment is a named target: which cluster, which variables, which gate.
type Environment struct {
	Name        string
	File        string // where it was read
	ClusterName string
	Provider    Provider
	Variables   map[string]any
	Terraform   TerraformOptions
	Gate        Gate
	// Allow narrows what a change may touch; empty lists allow everything.
	Allow Allow
}

// Provider says how the cluster comes to be: exactly one field is set.
type Provider struct {
	Embedded   *EmbeddedProvider
	Kind       *KindProvider
	Kubeconfig *KubeconfigProvider
	Terraform  *TerraformProvider
}

// EmbeddedProvider has no settings.
type EmbeddedProvider struct{}

// KindProvider makes a kind cluster. Paths are relative to the environment file.
type KindProvider struct {
	Image  string
	Config string
}

// KubeconfigProvider uses an existing cluster.
type KubeconfigProvider struct {
	Path    string
	Context string
	// AllowExec names the credential plugins (commands) that the kubeconfig may run.
	AllowExec []string
}

// TerraformProvider makes the cluster with Terraform.
type TerraformProvider struct {
	Directory        string
	KubeconfigOutput string
	EndpointOutput   string
	CAOutput         string
	TokenOutput      string
	Exec             []string
}

// TerraformOptions go to every Terraform run against the environment.
type TerraformOptions struct {
	Version       string // exact or constraint; empty: what the module requires
	Binary        string // "terraform" or "tofu"
	BackendConfig map[string]string
	VarFiles      []string
	Workspace     string
}

// Allow narrows what a change may touch.
type Allow struct {
	Kinds      []string // "Deployment.apps"
	Namespaces []string
}

// NewEdges says what newly opened edges do to the verdict.
type NewEdges string

// What newly opened edges can do.
const (
	BlockNewEdges  NewEdges = "block"
	WarnNewEdges   NewEdges = "warn"
	IgnoreNewEdges NewEdges = "ignore"
)

// Gate is an environment's policy.
type Gate struct {
	After           []string // environments whose evidence is needed first
	MinimumGrade    reach.Grade
	Soak            time.Duration
	MaxEvidenceAge  time.Duration
	MaxInterruption time.Duration // longest time an edge may be down during the change; 0: any
	OnNewEdges      NewEdges
	Parity          Parity
	Checks          []string // checks files, relative to the environment file
	ReadyTimeout    time.Duration
}

// Parity bounds how versions may differ from the environments in After: "", "minor" or "exact".
type Parity struct {
	Kubernetes        string
	IngressController string
	CNI               string
}

// Digest identifies the policy: all of the gate, so that evidence under another is refused.
func (g Gate) Digest() change.Digest { return digestOf("policy", g) }
