package topology_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/internal/reach/topology"
	"github.com/stagegate/stagegate/internal/snapshot"
	"github.com/stagegate/stagegate/internal/snapshot/directory"
	"github.com/stagegate/stagegate/internal/yamldoc"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestBuild compares the topology of each testdata/*.yaml with the .golden file beside it.
func TestBuild(t *testing.T) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no test data: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			s, err := directory.Load(t.Context(), file)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, strings.TrimSuffix(file, ".yaml")+".golden", dump(topology.Build(s)))
		})
	}
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

func dump(c *topology.Cluster) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	names := []string{}
	for name := range c.Namespaces {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		line("namespace %s %v", name, c.Namespaces[name].Labels)
	}
	for _, n := range c.Nodes {
		line("node %s %v %v", n.Name, n.Labels, n.IPs)
	}
	for _, p := range c.Pods {
		line("pod %s", dumpPod(p))
	}
	for _, s := range c.Services {
		line("service %s/%s %s%s headless=%v %v %v", s.Namespace, s.Name, s.Type, s.ExternalName, s.Headless, s.ClusterIPs, s.LoadBalancer)
		for _, port := range s.Ports {
			line("  %+v", port)
			for _, e := range s.Endpoints[port] {
				pod := "-"
				if e.Pod != nil {
					pod = e.Pod.Name
				}
				line("    %s %v:%d ready=%v", pod, e.Address, e.Port, e.Ready)
			}
		}
	}
	for _, r := range c.Routes {
		line("route %s %q %s %s tls=%v redirect=%v", r.Owner, r.Host, r.PathType, r.Path, r.TLS, r.Redirect)
		for _, backend := range r.Backends {
			line("  backend %+v", backend)
		}
		line("  %s", dumpController(r))
	}
	for _, p := range c.Problems {
		line("problem %s", p)
	}
	return b.String()
}

func dumpPod(p *topology.Pod) string {
	s := fmt.Sprintf("%s/%s of %s %v sa=%s node=%s %v ports=%+v", p.Namespace, p.Name, p.Workload, p.Labels, p.ServiceAccount, p.Node, p.IPs, p.Ports)
	if p.HostNetwork {
		s += " hostNetwork"
	}
	if p.Derived {
		s += " derived"
	}
	if !p.Ready {
		s += " NOT READY: " + p.NotReadyReason
	}
	return s
}

func dumpController(r topology.Route) string {
	if r.Controller == nil {
		return "no controller: " + r.Problem
	}
	s := fmt.Sprintf("controller %s external=%v %s:", r.Controller.Class, r.Controller.External, r.Controller.Workload)
	for _, p := range r.Controller.Pods {
		s += " " + p.Name
	}
	for _, service := range r.Controller.Services {
		s += fmt.Sprintf(" by %s/%s", service.Namespace, service.Name)
	}
	return s
}

// load makes a snapshot of YAML.
func load(t testing.TB, content string) *snapshot.Snapshot {
	t.Helper()
	objects, err := yamldoc.Decode("test.yaml", []byte(content))
	if err != nil {
		t.Fatal(err)
	}
	s, err := snapshot.New(objects...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
