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
	Name        string           `yaml:"-"`
	File        string           `yaml:"-"` // where it was read
	ClusterName string           `yaml:"clusterName"`
	Provider    Provider         `yaml:"provider"`
	Variables   map[string]any   `yaml:"variables"`
	Terraform   TerraformOptions `yaml:"terraform"`
	Gate        Gate             `yaml:"gate"`
	Probes      Probes           `yaml:"probes"`
	// Base are changes that a cluster made by stagegate gets once, before any other: what
	// runs there. Paths are relative to the environment file.
	Base []string `yaml:"base"`
	// Allow narrows what a change may touch; empty lists allow everything.
	Allow Allow `yaml:"allow"`
}

// Provider says how the cluster comes to be: exactly one field is set.
type Provider struct {
	Embedded   *EmbeddedProvider   `yaml:"embedded,omitempty"`
	Kind       *KindProvider       `yaml:"kind,omitempty"`
	Kubeconfig *KubeconfigProvider `yaml:"kubeconfig,omitempty"`
	Terraform  *TerraformProvider  `yaml:"terraform,omitempty"`
}

// Name is the provider's name, as the environment file has it.
func (p Provider) Name() string {
	switch {
	case p.Embedded != nil:
		return "embedded"
	case p.Kind != nil:
		return "kind"
	case p.Kubeconfig != nil:
		return "kubeconfig"
	case p.Terraform != nil:
		return "terraform"
	}
	return ""
}

// EmbeddedProvider has no settings.
type EmbeddedProvider struct{}

// KindProvider makes a kind cluster. Paths are relative to the environment file.
type KindProvider struct {
	Image  string `yaml:"image"`
	Config string `yaml:"config"`
}

// KubeconfigProvider uses an existing cluster.
type KubeconfigProvider struct {
	Path    string `yaml:"path"` // empty: $KUBECONFIG, then ~/.kube/config
	Context string `yaml:"context"`
	// AllowExec names the credential plugins (commands) that the kubeconfig may run.
	AllowExec []string `yaml:"allowExec"`
}

// TerraformProvider makes the cluster with Terraform.
type TerraformProvider struct {
	Directory        string `yaml:"directory"`
	KubeconfigOutput string `yaml:"kubeconfigOutput"`
	EndpointOutput   string `yaml:"endpointOutput"`
	CAOutput         string `yaml:"caOutput"`
	TokenOutput      string `yaml:"tokenOutput"`
	// Exec is a command that prints credentials, for endpointOutput; ${cluster_name} and
	// ${OUTPUT} stand for values.
	Exec []string `yaml:"exec"`
	// AllowExec names the credential plugins (commands) that a kubeconfig from the output may run.
	AllowExec []string `yaml:"allowExec"`
	// BackendConfig is where the cluster's state is; empty: that of TerraformOptions.
	BackendConfig map[string]string `yaml:"backendConfig"`
}

// TerraformOptions go to every Terraform run against the environment.
type TerraformOptions struct {
	Version       string            `yaml:"version"` // exact or constraint; empty: what the module requires
	Binary        string            `yaml:"binary"`  // "terraform" or "tofu"
	BackendConfig map[string]string `yaml:"backendConfig"`
	VarFiles      []string          `yaml:"varFiles"` // relative to the environment file
	Workspace     string            `yaml:"workspace"`
	Allow         TerraformAllow    `yaml:"allow"`
}

// TerraformAllow says what a configuration may use although it runs code, so that a change
// which nobody has reviewed can be checked.
type TerraformAllow struct {
	// Providers are sources, "namespace/type" or "host/namespace/type"; * stands for any name.
	Providers []string `yaml:"providers"`
	// Modules are sources of modules from outside the configuration; a pattern covers what
	// is below it.
	Modules []string `yaml:"modules"`
	// Commands are the programs that providers may run for their credentials.
	Commands []string `yaml:"commands"`
}

// Probes say how live probes are made.
type Probes struct {
	// Ephemeral probes from ephemeral containers in the workloads' own pods, where policy
	// forbids making pods. Kubernetes keeps them listed in the pods, ended.
	Ephemeral bool `yaml:"ephemeral"`
}

// Allow narrows what a change may touch.
type Allow struct {
	Kinds      []string `yaml:"kinds"` // "Deployment.apps"
	Namespaces []string `yaml:"namespaces"`
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
	After           []string      `yaml:"after" json:",omitempty"` // environments whose evidence is needed first
	MinimumGrade    reach.Grade   `yaml:"minimumGrade"`
	Soak            time.Duration `yaml:"soak"`
	MaxEvidenceAge  time.Duration `yaml:"maxEvidenceAge"`
	MaxInterruption time.Duration `yaml:"maxInterruption"` // longest time an edge may be down during the change; 0: any
	OnNewEdges      NewEdges      `yaml:"onNewEdges"`
	Parity          Parity        `yaml:"parity"`
	// Checks are the checks files, relative to the environment file. Where the field is
	// left out, a checks.yaml beside the environment file is taken.
	Checks       []string      `yaml:"checks" json:",omitempty"`
	ReadyTimeout time.Duration `yaml:"readyTimeout"`
	// SettleTime is how long after the change was applied live probes that lose nothing do not
	// count yet: policies take effect seconds after they are written, on each node on its own.
	SettleTime time.Duration `yaml:"settleTime"`
	// SettleTimeout bounds the waiting for two rounds of probes that agree and, after a
	// revert, for the baseline to come back.
	SettleTimeout time.Duration `yaml:"settleTimeout"`
}

// Parity bounds how versions may differ from the environments in After: "", "minor" or "exact".
type Parity struct {
	Kubernetes        string `yaml:"kubernetes"`
	IngressController string `yaml:"ingressController"`
	CNI               string `yaml:"cni"`
}

// Digest identifies the policy: all of the gate, so that evidence under another is refused.
func (g Gate) Digest() change.Digest { return digestOf("policy", g) }
