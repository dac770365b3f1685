//go:build e2e

package commands_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"testing"

	"github.com/stagegate/stagegate/internal/e2e/e2etest"
	"github.com/stagegate/stagegate/internal/reach"
)

// chartsVariable names a directory with podinfo-*.tgz and traefik-*.tgz, the projects' own charts.
const chartsVariable = "STAGEGATE_TEST_CHARTS"

var chartName = regexp.MustCompile(`^(podinfo|traefik)-.*\.tgz$`)

// charts promotes the real charts of Traefik and podinfo, and takes them back in production;
// staging is made anew by what comes next.
func (s *site) charts(t *testing.T) {
	dir := os.Getenv(chartsVariable)
	if dir == "" {
		t.Fatalf("set %s to a directory with the charts of podinfo and traefik (podinfo-*.tgz, traefik-*.tgz)", chartsVariable)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	charts := map[string]string{}
	for _, e := range entries {
		if m := chartName.FindStringSubmatch(e.Name()); m != nil {
			charts[m[1]] = filepath.Join(dir, e.Name())
		}
	}
	if len(charts) != 2 {
		t.Fatalf("%s has not both charts, podinfo-*.tgz and traefik-*.tgz", dir)
	}
	for name, chart := range charts {
		content, err := os.ReadFile(chart)
		if err != nil {
			t.Fatal(err)
		}
		s.Write(t, "charts/"+name+".tgz", string(content))
	}
	s.podinfoWithCLI(t)
	s.Write(t, "charts/change.yaml", chartsChange)
	s.Write(t, "charts/traefik.yaml", traefikValues)
	s.Write(t, "charts/podinfo.yaml", podinfoValues)
	production := s.untouched(t, "production")
	r := s.Result(t, 0, "promote", "charts/change.yaml")
	for _, name := range []string{"staging", "production"} {
		e := e2etest.Environment(t, r, name)
		reached := false
		for _, a := range e.After.Edges {
			reached = reached || a.Edge.String() == "external -> ingress/chart-app/podinfo (charts.example/)" && a.Outcome == reach.Reachable
		}
		if !reached {
			t.Errorf("%s: the chart's Ingress is not reachable through the chart's controller: %+v", name, e.After.Edges)
		}
	}
	s.Run(t, 0, "rollback", r.RunID, "--cluster-name", "e2e-production")
	production()
}

const podinfoImage = "ghcr.io/stefanprodan/podinfo:6.9.2"

// podinfoWithCLI builds an image of the node's podinfo with the command that its chart
// probes with. It exists on this machine alone, so the program has to carry it into nodes.
func (s *site) podinfoWithCLI(t *testing.T) {
	t.Helper()
	e2etest.BuildForNodes(t, s.Path("podinfo/podcli"), "./testdata/podcli")
	archive := "/root/podinfo.tar" // not /tmp, which "docker cp" does not see
	node := "stagegate-e2e-staging-control-plane"
	e2etest.Engine(t, nil, "exec", node, "ctr", "--namespace=k8s.io", "images", "export", "--platform", "linux/"+runtime.GOARCH, archive, podinfoImage)
	e2etest.Engine(t, nil, "cp", node+":"+archive, s.Path("podinfo/podinfo.tar"))
	if exec.Command("docker", "image", "inspect", podinfoImage).Run() != nil { // not here before, so not here afterwards
		t.Cleanup(func() { e2etest.Engine(t, nil, "image", "rm", podinfoImage) })
	}
	e2etest.Engine(t, nil, "load", "--quiet", "--input", s.Path("podinfo/podinfo.tar"))
	s.Write(t, "podinfo/Dockerfile", "FROM "+podinfoImage+"\nCOPY podcli /usr/local/bin/podcli\n")
	e2etest.Engine(t, nil, "build", "--quiet", "--tag", "stagegate-e2e/podinfo:6.9.2", s.Path("podinfo"))
	t.Cleanup(func() { e2etest.Engine(t, nil, "image", "rm", "stagegate-e2e/podinfo:6.9.2") })
}

const chartsChange = `apiVersion: stagegate.dev/v1alpha1
kind: Change
metadata: {name: charts}
spec:
  parts:
  - helm: {chart: traefik.tgz, release: edge, namespace: chart-edge, values: [traefik.yaml]}
  - helm: {chart: podinfo.tgz, release: podinfo, namespace: chart-app, values: [podinfo.yaml]}
`

const traefikValues = `image: {tag: v3.6.7, pullPolicy: IfNotPresent}
ingressClass: {name: edge, isDefaultClass: false}
providers: {kubernetesIngress: {ingressClass: edge, publishedService: {enabled: false}}}
service: {spec: {type: NodePort}}
global: {checkNewVersion: false, sendAnonymousUsage: false}
`

const podinfoValues = `image: {repository: stagegate-e2e/podinfo, tag: 6.9.2, pullPolicy: IfNotPresent}
ingress: {enabled: true, className: edge, hosts: [{host: charts.example, paths: [{path: /, pathType: Prefix}]}]}
`
