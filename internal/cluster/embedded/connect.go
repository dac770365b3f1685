package embedded

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/stagegate/stagegate/internal/cluster"
	"github.com/stagegate/stagegate/internal/reach"
)

// connect asks the cluster's API who it is. The answer must be what the control plane
// wrote down: another server on the same port, or other data, is not this cluster.
func connect(ctx context.Context, state state) (*cluster.Cluster, error) {
	ready, err := readReady(state)
	if err != nil {
		return nil, err
	}
	config, err := clientcmd.BuildConfigFromFlags("", state.path(kubeconfigFile))
	if err != nil {
		return nil, fmt.Errorf("reading the kubeconfig: %w", err)
	}
	config.QPS = -1 // the server is ours alone
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("reading the kubeconfig: %w", err)
	}
	system, err := client.CoreV1().Namespaces().Get(ctx, metav1.NamespaceSystem, metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("identifying the cluster: %w", err)
	}
	if string(system.UID) != ready.UID {
		return nil, fmt.Errorf("identifying the cluster: its UID is %s, not %s as it was", system.UID, ready.UID)
	}
	return &cluster.Cluster{
		Name:       state.name,
		Provider:   Name,
		UID:        ready.UID,
		Version:    ready.Version,
		Kubeconfig: state.path(kubeconfigFile),
		REST:       config,
		Best:       reach.Modelled,
		Disposable: true,
	}, nil
}

// ready is what the control plane writes when it serves.
type ready struct {
	UID     string `json:"uid"`
	Version string `json:"version"`
}

func readReady(state state) (ready, error) {
	var r ready
	data, err := os.ReadFile(state.path(readyFile))
	if err != nil {
		return r, fmt.Errorf("reading the control plane's state: %w", err)
	}
	if err := json.Unmarshal(data, &r); err != nil || r.UID == "" {
		return r, fmt.Errorf("reading the control plane's state: %s is not what it should be", state.path(readyFile))
	}
	return r, nil
}
