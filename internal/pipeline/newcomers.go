package pipeline

import (
	"slices"
	"strings"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/reach"
	"github.com/stagegate/stagegate/internal/snapshot"
)

// withoutNewcomers is a baseline without the declared edges that have an end which the
// change creates: before it, there was nothing whose reachability could be found out.
func withoutNewcomers(baseline reach.Matrix, plan change.Set) reach.Matrix {
	created := map[string]bool{}
	for _, i := range plan.Items {
		if i.Action == change.Create {
			for _, name := range endpoints(i.Object) {
				created[name] = true
			}
		}
	}
	newcomer := func(r reach.Result) bool {
		return !decided(r.Outcome) && (created[bare(r.From)] || created[bare(r.To)])
	}
	baseline.Edges = slices.DeleteFunc(slices.Clone(baseline.Edges), newcomer)
	return baseline
}

// endpoints are the ways in which edges name an object.
func endpoints(k snapshot.Key) []string {
	kind, place := strings.ToLower(k.Kind), "/"+k.Namespace+"/"+k.Name
	return []string{kind + place, kind + "." + k.Group + place}
}

// bare is an endpoint without its port; empty for what is none.
func bare(endpoint string) string {
	e, err := reach.ParseEndpoint(endpoint)
	if err != nil {
		return ""
	}
	return e.Bare()
}
