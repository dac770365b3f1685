package pipeline

import (
	"fmt"
	"testing"

	"github.com/stagegate/stagegate/internal/cluster"
)

func TestOneClusterForTwoEnvironmentsIsRefused(t *testing.T) {
	at := func(uid string) *opened { return &opened{cluster: &cluster.Cluster{UID: uid}} }
	r := &run{clusters: map[string]*opened{"staging": at("one"), "production": at("one"), "broken": {}}}
	const want = "environments production and staging are the same cluster (kube-system UID one): give each its own"
	if err := r.refuseSameCluster(); fmt.Sprint(err) != want {
		t.Errorf("%v\nwant %s", err, want)
	}
	r.clusters["production"] = at("two")
	if err := r.refuseSameCluster(); err != nil {
		t.Error(err)
	}
}
