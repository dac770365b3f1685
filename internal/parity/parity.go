// Package parity compares what runs in two environments: what was tested on one version
// proves nothing about another.
package parity

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/mod/semver"

	"github.com/stagegate/stagegate/internal/config"
)

// Versions are those of the parts of a platform that carry its traffic.
type Versions struct {
	Kubernetes string `json:"kubernetes"` // of the API server, such as "v1.37.2"
	// IngressControllers and CNI are the images, without registry: "traefik:v3.6.7".
	IngressControllers []string `json:"ingressControllers"`
	CNI                []string `json:"cni"`
}

// Compare returns in what the versions of an environment exceed the bounds, held against
// those of the environment where a change was tested. Each difference says both versions.
func Compare(bounds config.Parity, where string, tested, now Versions) []string {
	var differences []string
	for _, p := range []struct {
		field, bound string
		tested, now  []string
	}{
		{"kubernetes", bounds.Kubernetes, []string{"kubernetes:" + tested.Kubernetes}, []string{"kubernetes:" + now.Kubernetes}},
		{"ingressController", bounds.IngressController, tested.IngressControllers, now.IngressControllers},
		{"cni", bounds.CNI, tested.CNI, now.CNI},
	} {
		if p.bound == "" || slices.Equal(cut(p.bound, p.tested), cut(p.bound, p.now)) {
			continue
		}
		differences = append(differences, fmt.Sprintf("%s runs %s, and this environment %s: gate.parity.%s is %s: bring them together, or widen the bound",
			where, list(p.tested), list(p.now), p.field, p.bound))
	}
	return differences
}

// cut leaves of each image what the bound compares: all of it, or nothing below the minor version.
func cut(bound string, images []string) []string {
	out := make([]string, len(images))
	for i, image := range images {
		out[i] = image
		name, tag, _ := strings.Cut(image, ":")
		if v := "v" + strings.TrimPrefix(tag, "v"); bound == "minor" && semver.IsValid(v) {
			out[i] = name + ":" + semver.MajorMinor(v)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func list(images []string) string {
	if len(images) == 0 {
		return "none"
	}
	return strings.ReplaceAll(strings.Join(images, ", "), ":", " ")
}
