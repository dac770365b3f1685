package embedded_test

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/stagegate/stagegate/internal/cluster/embedded/embeddedtest"
)

func TestSharedClusterHasReadyNodes(t *testing.T) {
	c := embeddedtest.Shared(t)
	client, err := kubernetes.NewForConfig(c.REST)
	if err != nil {
		t.Fatal(err)
	}
	nodes, err := client.CoreV1().Nodes().List(t.Context(), metav1.ListOptions{})
	if err != nil || len(nodes.Items) != 3 {
		t.Fatalf("nodes = %d, %v; want 3", len(nodes.Items), err)
	}
}
