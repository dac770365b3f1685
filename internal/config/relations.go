package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/stagegate/stagegate/internal/reach"
)

// validateAll finds what is wrong with each environment and between them.
func validateAll(all []read) []error {
	var errs []error
	for _, r := range all {
		errs = append(errs, r.validate()...)
	}
	errs = append(errs, validateUnique(all)...)
	errs = append(errs, validateAfter(all)...)
	errs = append(errs, validateGrades(all)...)
	return append(errs, validateCycles(all)...)
}

func validateUnique(all []read) []error {
	var errs []error
	names, clusters := map[string]read{}, map[string]read{}
	for _, r := range all {
		if twin, ok := names[r.Name]; ok {
			errs = append(errs, fmt.Errorf("%s: the environment %s is already defined at %s: rename one of the two",
				r.doc.At("metadata", "name"), r.Name, twin.doc.At("metadata", "name")))
			continue
		}
		names[r.Name] = r
		if twin, ok := clusters[r.ClusterName]; ok {
			errs = append(errs, fmt.Errorf("%s: the cluster name %s is also that of the environment %s (%s): each environment needs a cluster of its own",
				r.doc.At("spec", "clusterName"), r.ClusterName, twin.Name, twin.doc.At("spec", "clusterName")))
			continue
		}
		clusters[r.ClusterName] = r
	}
	return errs
}

func validateAfter(all []read) []error {
	var names []string
	for _, r := range all {
		names = append(names, r.Name)
	}
	slices.Sort(names)
	var errs []error
	for _, r := range all {
		for i, after := range r.Gate.After {
			if !slices.Contains(names, after) {
				errs = append(errs, fmt.Errorf("%s: spec.gate.after[%d]: there is no environment %q%s",
					r.doc.At("spec", "gate", "after", i), i, after, orOneOf(after, names)))
			}
		}
	}
	return errs
}

// validateGrades reports evidence that can never be good enough where it is needed: an
// environment is only probed with packets where it asks for them.
func validateGrades(all []read) []error {
	grades := map[string]reach.Grade{}
	for _, r := range all {
		grades[r.Name] = r.Gate.MinimumGrade
	}
	var errs []error
	for _, r := range all {
		for _, after := range r.Gate.After {
			if r.Gate.MinimumGrade == reach.Live && grades[after] == reach.Modelled {
				errs = append(errs, fmt.Errorf("%s: spec.gate.minimumGrade: live is asked of the evidence of %s too, which asks for modelled: write live there (an embedded cluster cannot give it), or modelled here",
					r.doc.At("spec", "gate", "minimumGrade"), after))
			}
		}
	}
	return errs
}

// validateCycles reports each environment that comes after itself.
func validateCycles(all []read) []error {
	after := map[string][]string{}
	for _, r := range all {
		after[r.Name] = r.Gate.After
	}
	var errs []error
	for _, r := range all {
		if trail := trailTo(r.Name, r.Name, after, map[string]bool{}); trail != nil {
			errs = append(errs, fmt.Errorf("%s: spec.gate.after: %s comes after itself (%s): remove one of these",
				r.doc.At("spec", "gate", "after"), r.Name, strings.Join(append([]string{r.Name}, trail...), " after ")))
		}
	}
	return errs
}

// trailTo is a way from an environment to the goal along "after", or nil.
func trailTo(goal, from string, after map[string][]string, seen map[string]bool) []string {
	for _, next := range after[from] {
		if next == goal {
			return []string{goal}
		}
		if seen[next] {
			continue
		}
		seen[next] = true
		if trail := trailTo(goal, next, after, seen); trail != nil {
			return append([]string{next}, trail...)
		}
	}
	return nil
}
