package config

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/stagegate/stagegate/internal/reach"
	"github.com/stagegate/stagegate/internal/yamlfile"
)

var (
	// An environment's name is part of the name of its Lease.
	namePattern = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,48}[a-z0-9])?$`)
	// Cluster names as EKS, AKS and GKE allow them.
	clusterNamePattern = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z._-]{0,99}$`)
	localNamePattern   = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,48}[a-z0-9])?$`)
)

// problems collects what is wrong with one document.
type problems struct {
	doc  *yamlfile.Document
	errs []error
}

// at names the field by its path, and its place.
func (p *problems) at(path []any, format string, args ...any) {
	p.errs = append(p.errs, fmt.Errorf("%s: %s%s", p.doc.At(path...), dotted(path), fmt.Sprintf(format, args...)))
}

func dotted(path []any) string {
	var b strings.Builder
	for _, step := range path {
		if i, ok := step.(int); ok {
			fmt.Fprintf(&b, "[%d]", i)
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		fmt.Fprint(&b, step)
	}
	return b.String()
}

// choice checks a word against those that a field can have.
func (p *problems) choice(path []any, word string, known ...string) {
	if !slices.Contains(known, word) {
		p.at(path, ": %q is not known%s", word, orOneOf(word, known))
	}
}

func (p *problems) exists(path []any, file string) {
	if _, err := os.Stat(file); err != nil {
		why := err
		if errors.Is(err, os.ErrNotExist) {
			why = errors.New("the file does not exist: create it, or correct the path")
		}
		p.at(path, ": %s: %v", file, why)
	}
}

func field(steps ...any) []any { return steps }

// validate finds what is wrong with one environment by itself.
func (r read) validate() []error {
	p := &problems{doc: r.doc}
	r.validateNames(p)
	r.validateProvider(p)
	r.validateGate(p)
	for i, f := range r.Terraform.VarFiles {
		p.exists(field("spec", "terraform", "varFiles", i), r.Path(f))
	}
	p.choice(field("spec", "terraform", "binary"), r.Terraform.Binary, "terraform", "tofu")
	r.validateTerraformAllow(p)
	for i, path := range r.Base {
		p.exists(field("spec", "base", i), r.Path(path))
	}
	if r.Probes.Ephemeral && r.Provider.Embedded != nil {
		p.at(field("spec", "probes", "ephemeral"), ": the embedded provider's pods are simulated, and nothing is sent from them: remove it")
	}
	if len(r.Base) > 0 && r.Provider.Kubeconfig != nil {
		p.at(field("spec", "base"), ": a kubeconfig cluster was not made by stagegate and gets no base: remove it")
	}
	for i, kind := range r.Allow.Kinds {
		if strings.TrimSpace(kind) == "" {
			p.at(field("spec", "allow", "kinds", i), " is empty: write a kind with its group, like Deployment.apps, or remove it")
		}
	}
	return p.errs
}

func (r read) validateNames(p *problems) {
	switch {
	case r.Name == "":
		p.at(field("metadata", "name"), " is missing: give the environment a name, like staging")
	case !namePattern.MatchString(r.Name):
		p.at(field("metadata", "name"), ": %q is not a name: use up to 50 lower-case letters, digits and hyphens", r.Name)
	case !clusterNamePattern.MatchString(r.ClusterName):
		p.at(field("spec", "clusterName"), ": %q is not a cluster name: use up to 100 letters, digits, dots, hyphens and underscores", r.ClusterName)
	case (r.Provider.Embedded != nil || r.Provider.Kind != nil) && !localNamePattern.MatchString(r.ClusterName):
		p.at(field("spec", "clusterName"), ": %q is not a name for a local cluster: use up to 50 lower-case letters, digits and hyphens", r.ClusterName)
	}
	for _, reserved := range []string{"cluster_name", "clusterName"} {
		if _, set := r.Variables[reserved]; set {
			p.at(field("spec", "variables", reserved), " is always the cluster name: remove it and set spec.clusterName")
		}
	}
}

func (r read) validateProvider(p *problems) {
	base := field("spec", "provider")
	given, known := []string{}, []string{"embedded", "kind", "kubeconfig", "terraform"}
	for _, name := range known {
		if p.doc.Has("spec", "provider", name) {
			given = append(given, name)
		}
	}
	switch len(given) {
	case 1:
	case 0:
		p.at(base, " is missing: choose one of %s; to try things out, write provider: {embedded: {}}", strings.Join(known, ", "))
	default:
		p.at(base, " has %s: keep exactly one", strings.Join(given, " and "))
	}
	if k := r.Provider.Kind; k != nil && k.Config != "" {
		p.exists(field("spec", "provider", "kind", "config"), r.Path(k.Config))
	}
	if k := r.Provider.Kubeconfig; k != nil && k.Context == "" {
		p.at(field("spec", "provider", "kubeconfig", "context"), " is missing: name the context, so that switching the current one cannot change the target")
	}
	if t := r.Provider.Terraform; t != nil && t.Directory == "" {
		p.at(field("spec", "provider", "terraform", "directory"), " is missing: name the directory of the module that makes the cluster")
	} else if t != nil {
		p.exists(field("spec", "provider", "terraform", "directory"), r.Path(t.Directory))
		r.validateTerraformProvider(p)
	}
}

func (r read) validateGate(p *problems) {
	g, base := r.Gate, func(name string) []any { return field("spec", "gate", name) }
	p.choice(base("minimumGrade"), string(g.MinimumGrade), string(reach.Modelled), string(reach.Live))
	if r.Provider.Embedded != nil && g.MinimumGrade == reach.Live {
		p.at(base("minimumGrade"), ": live cannot be met by the embedded provider, whose pods are simulated: choose another provider, or modelled")
	}
	p.choice(base("onNewEdges"), string(g.OnNewEdges), string(BlockNewEdges), string(WarnNewEdges), string(IgnoreNewEdges))
	if g.MaxEvidenceAge == 0 {
		p.at(base("maxEvidenceAge"), ": no evidence can be that fresh: write a duration like 24h")
	}
	if g.ReadyTimeout == 0 {
		p.at(base("readyTimeout"), ": nothing gets ready in no time: write a duration like 5m")
	}
	if g.SettleTimeout == 0 {
		p.at(base("settleTimeout"), ": policies take effect seconds after they are written: write a duration like 1m")
	}
	if g.SettleTime > g.SettleTimeout && g.SettleTimeout > 0 {
		p.at(base("settleTime"), ": probing ends after settleTimeout, %s: write a shorter duration like 5s, or make that longer", g.SettleTimeout)
	}
	r.validateParity(p)
	for i, f := range g.Checks {
		p.exists(field("spec", "gate", "checks", i), r.Path(f))
	}
}

func (r read) validateParity(p *problems) {
	parity := r.Gate.Parity
	for _, b := range []struct{ name, bound string }{
		{"kubernetes", parity.Kubernetes}, {"ingressController", parity.IngressController}, {"cni", parity.CNI},
	} {
		if b.bound != "" {
			p.choice(field("spec", "gate", "parity", b.name), b.bound, "exact", "minor", "any")
		}
	}
}
