package config

import (
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/stagegate/stagegate/internal/reach"
)

// defaultChecks is the checks file that is taken where an environment names none.
const defaultChecks = "checks.yaml"

// defaultEnvironment has every default that depends on nothing else.
func defaultEnvironment() Environment {
	return Environment{
		Terraform: TerraformOptions{Binary: "terraform", Allow: TerraformAllow{Providers: defaultProviders()}},
		Gate: Gate{
			MaxEvidenceAge: 24 * time.Hour,
			OnNewEdges:     WarnNewEdges,
			Parity:         Parity{Kubernetes: "minor"},
			ReadyTimeout:   5 * time.Minute,
			SettleTime:     5 * time.Second,
			SettleTimeout:  time.Minute,
		},
	}
}

// defaultProviders are HashiCorp's own and those that apply manifests.
func defaultProviders() []string {
	return []string{"hashicorp/*", "gavinbunney/kubectl", "alekc/kubectl"}
}

// complete fills in the defaults that depend on other fields.
func (e *Environment) complete() {
	if e.ClusterName == "" {
		e.ClusterName = e.Name
	}
	if e.Gate.MinimumGrade == "" {
		e.Gate.MinimumGrade = e.Provider.best()
	}
	if e.Gate.Checks == nil {
		if _, err := os.Stat(e.Path(defaultChecks)); err == nil {
			e.Gate.Checks = []string{defaultChecks}
		}
	}
	if t := e.Provider.Terraform; t != nil && t.KubeconfigOutput == "" && t.EndpointOutput == "" {
		t.KubeconfigOutput = "kubeconfig"
	}
	for _, bound := range []*string{&e.Gate.Parity.Kubernetes, &e.Gate.Parity.IngressController, &e.Gate.Parity.CNI} {
		if *bound == "any" {
			*bound = ""
		}
	}
}

// best is the best grade that the provider's clusters can give.
func (p Provider) best() reach.Grade {
	if p.Embedded != nil {
		return reach.Modelled
	}
	return reach.Live
}

// DefaultChecks discovers edges and declares none.
func DefaultChecks() Checks {
	return Checks{Discover: Discover{Ingresses: true, Services: NamespaceServices}}
}

// Default is an environment where there is no environment file: its name is its cluster
// name, and its gate is the default one.
func Default(name string) *Environment {
	e := defaultEnvironment()
	e.Name, e.ClusterName = name, name
	e.Gate.MinimumGrade = reach.Modelled
	return &e
}

// IsProduction tells whether the environment needs the evidence of others first.
func (e *Environment) IsProduction() bool { return len(e.Gate.After) > 0 }

// Paths resolves several; see Path.
func (e *Environment) Paths(names []string) []string {
	var paths []string
	for _, name := range names {
		paths = append(paths, e.Path(name))
	}
	return paths
}

// Path resolves a path of the environment file: relative ones are relative to the file,
// and "~/" is the user's home.
func (e *Environment) Path(p string) string {
	if rest, ok := strings.CutPrefix(p, "~/"); ok {
		if home, err := os.UserHomeDir(); err == nil {
			return filepath.Join(home, rest)
		}
	}
	if p == "" || filepath.IsAbs(p) {
		return p
	}
	return filepath.Join(filepath.Dir(e.File), p)
}
