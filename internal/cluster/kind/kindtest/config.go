// Package kindtest has what tests on kind clusters share.
package kindtest

import (
	"os"
	"path/filepath"
	"testing"

	"sigs.k8s.io/kind/pkg/apis/config/v1alpha4"
	"sigs.k8s.io/yaml"

	"github.com/stagegate/stagegate/internal/filetest"
)

const (
	cgroupfsRuntime = "[plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.runc.options]\n  SystemdCgroup = false\n"
	cgroupfsKubelet = "kind: KubeletConfiguration\ncgroupDriver: cgroupfs\n"
)

// patches are what nodes need on this host, as patches of containerd's and of kubeadm's
// configuration. With cgroup v1, nodes have to write their cgroups themselves: through
// systemd, runc fails to start one container in fifty ("unable to freeze") or leaves it frozen.
func patches() (containerd, kubeadm []string) {
	if _, err := os.Stat("/sys/fs/cgroup/cgroup.controllers"); err == nil { // cgroup v2
		return []string{}, []string{}
	}
	return []string{cgroupfsRuntime}, []string{cgroupfsKubelet}
}

// Config writes a kind configuration with a node for each role, or with a control plane
// alone where none is given, and returns its path.
func Config(t *testing.T, roles ...v1alpha4.NodeRole) string {
	t.Helper()
	c := v1alpha4.Cluster{TypeMeta: v1alpha4.TypeMeta{Kind: "Cluster", APIVersion: "kind.x-k8s.io/v1alpha4"}}
	c.ContainerdConfigPatches, c.KubeadmConfigPatches = patches()
	for _, role := range roles {
		c.Nodes = append(c.Nodes, v1alpha4.Node{Role: role})
	}
	content, err := yaml.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "kind.yaml")
	filetest.Write(t, path, string(content))
	return path
}
