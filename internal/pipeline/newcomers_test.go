package pipeline

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/reach"
	"github.com/stagegate/stagegate/internal/snapshot"
)

func TestWithoutNewcomers(t *testing.T) {
	created := func(group, kind, name string) change.Item {
		return change.Item{Action: change.Create, Object: snapshot.Key{Group: group, Kind: kind, Namespace: "shop", Name: name}}
	}
	updated := created("", "Service", "old")
	updated.Action = change.Update
	plan := change.Set{Items: []change.Item{created("", "Service", "new"), created("apps", "Deployment", "web"), created("argoproj.io", "Rollout", "blue"), updated}}
	for _, test := range []struct {
		from, to string
		outcome  reach.Outcome
		stays    bool
	}{
		{"external", "service/shop/new:80/TCP", reach.Error, false},
		{"deployment/shop/web", "service/shop/old:80/TCP", reach.Error, false},
		{"rollout.argoproj.io/shop/blue", "service/shop/old:80/TCP", reach.Error, false},
		{"external", "service/shop/old:80/TCP", reach.Error, true},
		{"external", "service/else/new:80/TCP", reach.Error, true},
		{"external", "service/shop/new:80/TCP", reach.Unreachable, true}, // something was found out all the same
	} {
		edges := []reach.Result{{Edge: reach.Edge{From: test.from, To: test.to}, Outcome: test.outcome}}
		want := edges
		if !test.stays {
			want = []reach.Result{}
		}
		if d := cmp.Diff(want, withoutNewcomers(reach.Matrix{Edges: edges}, plan).Edges); d != "" {
			t.Errorf("%s -> %s (-want +got):\n%s", test.from, test.to, d)
		}
	}
}
