package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/stagegate/stagegate/internal/reach"
	"github.com/stagegate/stagegate/internal/yamlfile"
)

// checksFile is a Checks document as written.
type checksFile struct {
	APIVersion string   `yaml:"apiVersion"`
	Kind       string   `yaml:"kind"`
	Metadata   metadata `yaml:"metadata"`
	Spec       struct {
		Discover Discover `yaml:"discover"`
		Edges    []edge   `yaml:"edges"`
	} `yaml:"spec"`
}

// edge is a declared edge as written.
type edge struct {
	Name   string     `yaml:"name"`
	From   string     `yaml:"from"`
	To     string     `yaml:"to"`
	Host   string     `yaml:"host"`
	Path   string     `yaml:"path"`
	Expect string     `yaml:"expect"`
	HTTP   *HTTPCheck `yaml:"http,omitempty"`
	TLS    *TLSCheck  `yaml:"tls,omitempty"`
	DNS    *DNSCheck  `yaml:"dns,omitempty"`
	GRPC   *GRPCCheck `yaml:"grpc,omitempty"`
}

// checksDocument is a Checks document with its place.
type checksDocument struct {
	checksFile
	doc *yamlfile.Document
}

// LoadChecks reads and merges the environment's checks files. Without any, edges are
// discovered and none is declared. Checks that could protect nothing are an error.
func (e *Environment) LoadChecks() (Checks, error) {
	var all []checksDocument
	var files []string
	var errs []error
	for _, name := range e.Gate.Checks {
		file := e.Path(name)
		files = append(files, file)
		docs, err := yamlfile.Load(file)
		if err == nil {
			var found []checksDocument
			found, err = checksIn(file, docs)
			all = append(all, found...)
		}
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return Checks{}, err
	}
	checks, err := merge(all)
	if err != nil {
		return Checks{}, err
	}
	checks.Files = files
	if len(checks.Checks) == 0 && !checks.Discover.Ingresses && checks.Discover.Services == NoServices {
		return Checks{}, fmt.Errorf("%s: no edge is declared and discovery is off, so nothing would be protected: declare edges, or set discover.ingresses or discover.services",
			all[0].doc.At("spec"))
	}
	return checks, nil
}

func checksIn(file string, docs []*yamlfile.Document) ([]checksDocument, error) {
	var found []checksDocument
	var errs []error
	for _, doc := range docs {
		kind, err := kindOf(doc)
		switch {
		case err != nil:
			errs = append(errs, err)
		case kind != checksKind:
			errs = append(errs, fmt.Errorf("%s: expected kind %s in a checks file, found %q", doc.At("kind"), checksKind, doc.Scalar("kind")))
		default:
			c := checksDocument{doc: doc}
			c.Spec.Discover = Discover{Ingresses: true, Services: NamespaceServices}
			errs = append(errs, doc.Decode(&c.checksFile))
			found = append(found, c)
		}
	}
	if len(docs) == 0 {
		errs = append(errs, fmt.Errorf("%s:1: the checks file is empty: write a document of kind %s, or remove it from spec.gate.checks", file, checksKind))
	}
	return found, errors.Join(errs...)
}

// merge joins documents. What two of them say of discovery must agree.
func merge(all []checksDocument) (Checks, error) {
	out := Checks{Discover: Discover{Ingresses: true, Services: NamespaceServices}}
	m := merger{out: &out, said: map[string]checksDocument{}, names: map[string]string{}, edges: map[reach.Edge]string{}}
	for _, c := range all {
		m.discover(c)
		for i := range c.Spec.Edges {
			m.edge(c, i)
		}
	}
	return out, errors.Join(m.errs...)
}

// merger has the places of what was merged so far.
type merger struct {
	out   *Checks
	said  map[string]checksDocument
	names map[string]string
	edges map[reach.Edge]string
	errs  []error
}

func (m *merger) discover(c checksDocument) {
	d := c.Spec.Discover
	p := &problems{doc: c.doc}
	p.choice(field("spec", "discover", "services"), string(d.Services), string(NoServices), string(NamespaceServices), string(AllServices))
	for i, pattern := range d.Exclude {
		if err := checkPattern(pattern); err != nil {
			p.at(field("spec", "discover", "exclude", i), ": %v", err)
		}
	}
	m.errs = append(m.errs, p.errs...)
	if m.agrees(c, "ingresses", d.Ingresses == m.out.Discover.Ingresses) {
		m.out.Discover.Ingresses = d.Ingresses
	}
	if m.agrees(c, "services", d.Services == m.out.Discover.Services) {
		m.out.Discover.Services = d.Services
	}
	m.out.Discover.Exclude = append(m.out.Discover.Exclude, d.Exclude...)
}

// agrees tells whether a document sets a field of discovery, and reports one that an
// earlier document has set differently.
func (m *merger) agrees(c checksDocument, field string, same bool) bool {
	if !c.doc.Has("spec", "discover", field) {
		return false
	}
	first, twice := m.said[field]
	if twice && !same {
		m.errs = append(m.errs, fmt.Errorf("%s: spec.discover.%s is set differently at %s: make the two agree",
			c.doc.At("spec", "discover", field), field, first.doc.At("spec", "discover", field)))
		return false
	}
	m.said[field] = c
	return true
}

func (m *merger) edge(c checksDocument, i int) {
	p := &problems{doc: c.doc}
	check := c.Spec.Edges[i].check(p, field("spec", "edges", i))
	m.errs = append(m.errs, p.errs...)
	if len(p.errs) > 0 {
		return
	}
	if first, twice := m.names[check.Name]; twice {
		m.errs = append(m.errs, fmt.Errorf("%s: the name %q is already used at %s: rename one of the two", check.Source, check.Name, first))
	}
	if first, twice := m.edges[check.Edge]; twice {
		m.errs = append(m.errs, fmt.Errorf("%s: the edge %s is already declared at %s: remove one of the two", check.Source, check.Edge, first))
	}
	m.names[check.Name], m.edges[check.Edge] = check.Source, check.Source
	m.out.Checks = append(m.out.Checks, check)
}

// readCA reads the certificates that a TLS check trusts, so that they are part of the digest.
func readCA(p *problems, at []any, t *TLSCheck) {
	file := t.CAFile
	if !filepath.IsAbs(file) {
		file = filepath.Join(filepath.Dir(p.doc.File), file)
	}
	content, err := os.ReadFile(file)
	if err != nil {
		p.at(at, ": %v", err)
		return
	}
	t.CA = string(content)
}
