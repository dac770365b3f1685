//go:build e2e

package commands_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stagegate/stagegate/internal/e2e/e2etest"
)

const localImage = "stagegate-e2e/built-here:dev"

// localImages has images that no registry has: the program's own probe under other names.
func (s *site) localImages(t *testing.T) {
	for _, image := range []string{localImage, "stagegate-e2e/named:dev"} {
		s.Write(t, "image/Dockerfile", "FROM scratch\nCOPY stagegate-probe /stagegate-probe\nUSER 65532\n")
		if err := os.Link(filepath.Join(s.Dir, "bin", "stagegate-probe"), s.Path("image/stagegate-probe")); err != nil && !os.IsExist(err) {
			t.Fatal(err)
		}
		e2etest.Engine(t, nil, "build", "--quiet", "--tag", image, s.Path("image"))
		t.Cleanup(func() { e2etest.Engine(t, nil, "image", "rm", image) })
	}
	s.Write(t, "local.yaml", fmt.Sprintf(`apiVersion: apps/v1
kind: Deployment
metadata: {name: local, namespace: cart}
spec:
  selector: {matchLabels: {app: local}}
  template:
    metadata: {labels: {app: local}}
    spec:
      terminationGracePeriodSeconds: 0
      containers: [{name: local, image: %q, command: [/stagegate-probe, serve, "8080"], readinessProbe: {tcpSocket: {port: 8080}, periodSeconds: 1}}]
`, localImage))
	staging := s.untouched(t, "staging")
	r := s.Result(t, 0, "stage", "local.yaml", "--load-image", "stagegate-e2e/named:dev")
	images := e2etest.Engine(t, nil, "exec", "stagegate-e2e-staging-control-plane", "ctr", "--namespace=k8s.io", "images", "ls", "--quiet")
	for _, want := range []string{"stagegate-e2e/built-here", "stagegate-e2e/named"} {
		if !strings.Contains(images, want) {
			t.Errorf("the node does not have %s:\n%s", want, images)
		}
	}
	s.Run(t, 0, "rollback", r.RunID, "--cluster-name", "e2e-staging")
	staging()
	out := s.Run(t, 1, "stage", "local.yaml", "--load-image", "stagegate-e2e/not-built:dev")
	if !strings.Contains(out, "stagegate-e2e/not-built:dev") || !strings.Contains(out, "pull or build the image first") {
		t.Errorf("the missing image is not explained:\n%s", out)
	}
	staging()
}
