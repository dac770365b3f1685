package cluster_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stagegate/stagegate/internal/cluster"
)

// provider finds a cluster in some state.
type provider struct{ status cluster.Status }

func (p provider) Status(context.Context, string) (cluster.Status, error) { return p.status, nil }

func (p provider) Ensure(_ context.Context, name string, _ bool, _ cluster.Progress) (*cluster.Cluster, error) {
	return &cluster.Cluster{Name: name}, nil
}

func TestFind(t *testing.T) {
	for state, want := range map[cluster.State]string{
		cluster.Absent:  "there is no cluster one: stagegate env up --cluster-name one makes it",
		cluster.Broken:  "cluster one cannot be used as it is: half made: where stagegate made it, stagegate env up --cluster-name one mends it",
		cluster.Stopped: "<nil>",
		cluster.Running: "<nil>",
	} {
		_, err := cluster.Find(t.Context(), provider{cluster.Status{State: state, Detail: "half made"}}, "one", nil)
		if fmt.Sprint(err) != want {
			t.Errorf("%s: %v\nwant %s", state, err, want)
		}
	}
}
