package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/stagegate/stagegate/internal/yamlfile"
)

// The header of the files read here.
const (
	apiVersion      = "stagegate.dev/v1alpha1"
	apiGroup        = "stagegate.dev/"
	environmentKind = "Environment"
	checksKind      = "Checks"
)

// metadata is the metadata of every kind of file.
type metadata struct {
	Name string `yaml:"name"`
}

// environmentFile is an Environment as written.
type environmentFile struct {
	APIVersion string      `yaml:"apiVersion"`
	Kind       string      `yaml:"kind"`
	Metadata   metadata    `yaml:"metadata"`
	Spec       Environment `yaml:"spec"`
}

// read is an environment with the document that it was read from, for places in errors.
type read struct {
	*Environment
	doc *yamlfile.Document
}

// LoadDirectory reads the environments of a directory: every document of kind Environment
// in its *.yaml and *.yml files, ordered by name. All problems of all files are joined.
func LoadDirectory(dir string) ([]*Environment, error) {
	files, err := yamlFiles(dir)
	if err != nil {
		return nil, err
	}
	var all []read
	var errs []error
	for _, file := range files {
		found, err := loadFile(file)
		errs = append(errs, err)
		all = append(all, found...)
	}
	errs = append(errs, validateAll(all)...)
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s: there is no document of kind %s in its *.yaml files: write one, or name another directory with --environments", dir, environmentKind)
	}
	environments := make([]*Environment, len(all))
	for i, r := range all {
		environments[i] = r.Environment
	}
	slices.SortFunc(environments, func(a, b *Environment) int { return strings.Compare(a.Name, b.Name) })
	return environments, nil
}

func yamlFiles(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("reading environments: %w: create the directory, or name another with --environments", err)
	}
	var files []string
	for _, e := range entries {
		if ext := filepath.Ext(e.Name()); !e.IsDir() && (ext == ".yaml" || ext == ".yml") {
			files = append(files, filepath.Join(dir, e.Name()))
		}
	}
	return files, nil
}

// loadFile reads the environments of one file. Documents of other APIs, such as a kind
// configuration, may lie in the same directory and are left alone.
func loadFile(file string) ([]read, error) {
	docs, err := yamlfile.Load(file)
	if err != nil {
		return nil, err
	}
	return environmentsIn(docs)
}

func environmentsIn(docs []*yamlfile.Document) ([]read, error) {
	var found []read
	var errs []error
	for _, doc := range docs {
		kind, err := kindOf(doc)
		if err != nil {
			errs = append(errs, err)
		}
		if err != nil || kind != environmentKind {
			continue
		}
		e, err := decodeEnvironment(doc)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		found = append(found, read{e, doc})
	}
	return found, errors.Join(errs...)
}

// kindOf is the kind of a document of ours, and empty for a document of another API.
func kindOf(doc *yamlfile.Document) (string, error) {
	version, kind := doc.Scalar("apiVersion"), doc.Scalar("kind")
	known := []string{environmentKind, checksKind}
	switch {
	case version == apiVersion && slices.Contains(known, kind):
		return kind, nil
	case version == apiVersion:
		return "", fmt.Errorf("%s: kind %q is not known%s", doc.At("kind"), kind, orOneOf(kind, known))
	case strings.HasPrefix(version, apiGroup), slices.Contains(known, kind):
		return "", fmt.Errorf("%s: apiVersion %q is not supported: write %s", doc.At("apiVersion"), version, apiVersion)
	case version == "" && kind == "" && doc.Has("spec"):
		return "", fmt.Errorf("%s: apiVersion and kind are missing: begin with apiVersion: %s and kind: %s", doc.At(), apiVersion, environmentKind)
	}
	return "", nil
}

// decodeEnvironment lays the document over the defaults.
func decodeEnvironment(doc *yamlfile.Document) (*Environment, error) {
	file := environmentFile{Spec: defaultEnvironment()}
	if err := doc.Decode(&file); err != nil {
		return nil, err
	}
	e := &file.Spec
	e.Name, e.File = file.Metadata.Name, doc.File
	e.complete()
	return e, nil
}

// Select finds the environment of a cluster name.
func Select(environments []*Environment, clusterName string) (*Environment, error) {
	var names []string
	for _, e := range environments {
		if e.ClusterName == clusterName {
			return e, nil
		}
		names = append(names, e.ClusterName)
	}
	slices.Sort(names)
	return nil, fmt.Errorf("no environment has the cluster name %q%s", clusterName, orOneOf(clusterName, names))
}

// Find finds an environment by its own name, as Gate.After has it.
func Find(environments []*Environment, name string) (*Environment, error) {
	var names []string
	for _, e := range environments {
		if e.Name == name {
			return e, nil
		}
		names = append(names, e.Name)
	}
	return nil, fmt.Errorf("there is no environment %q%s", name, orOneOf(name, names))
}

// orOneOf ends a sentence about an unknown word with the words there are.
func orOneOf(word string, known []string) string {
	list := "there is none"
	if len(known) > 0 {
		list = "choose one of " + strings.Join(known, ", ")
	}
	if near := yamlfile.Nearest(word, known); near != "" && word != "" {
		return fmt.Sprintf(": did you mean %s? (%s)", near, list)
	}
	return ": " + list
}
