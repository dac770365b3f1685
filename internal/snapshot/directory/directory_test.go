package directory_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/internal/filetest"
	"github.com/stagegate/stagegate/internal/snapshot/directory"
)

func object(kind, name string) string {
	return fmt.Sprintf("apiVersion: v1\nkind: %s\nmetadata: {name: %s}\n", kind, name)
}

func TestLoadReadsADirectory(t *testing.T) {
	dir := t.TempDir()
	filetest.Into(t, dir, map[string]string{
		"a.yaml":          object("Namespace", "shop"),
		"deep/er/b.YML":   object("Service", "web"),
		"deep/c.json":     `{"apiVersion":"v1","kind":"Service","metadata":{"name":"db","namespace":"shop"}}`,
		"README.md":       "not: [read",
		".git/d.yaml":     "not: [read",
		".hidden.yaml":    "not: [read",
		"..data/real.yml": object("Service", "linked"),
	})
	for from, to := range map[string]string{"twin.yaml": "a.yaml", "real.yml": "..data/real.yml"} {
		if err := os.Symlink(to, filepath.Join(dir, from)); err != nil {
			t.Fatal(err)
		}
	}
	s, err := directory.Load(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, o := range s.All() {
		got = append(got, fmt.Sprintf("%s %s/%s %s", o.GetKind(), o.GetNamespace(), o.GetName(), strings.TrimPrefix(o.Source, dir+"/")))
	}
	want := []string{
		"Namespace /shop a.yaml:1",
		"Service default/linked real.yml:1",
		"Service default/web deep/er/b.YML:1",
		"Service shop/db deep/c.json:1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if !s.Derived {
		t.Error("a directory without pods must be derived")
	}
}

func TestLoadReadsOneFile(t *testing.T) {
	dir := t.TempDir()
	filetest.Into(t, dir, map[string]string{"dump.txt": "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Pod\n  metadata: {name: p, namespace: shop}\n"})
	s, err := directory.Load(t.Context(), filepath.Join(dir, "dump.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if s.Len() != 1 {
		t.Errorf("%d objects, want 1", s.Len())
	}
}

func TestLoadTakesADumpAsWhatRuns(t *testing.T) {
	pod, slice := object("Pod", "p"), "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: s}\n"
	running := pod + "status: {phase: Running}\n"
	for content, derived := range map[string]bool{running: true, slice: true, pod + "---\n" + slice: true, running + "---\n" + slice: false} {
		dir := t.TempDir()
		filetest.Into(t, dir, map[string]string{"a.yaml": content})
		s, err := directory.Load(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		if s.Derived != derived {
			t.Errorf("derived is %v, want %v, of\n%s", s.Derived, derived, content)
		}
	}
}

func TestLoadRefuses(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "outside.yaml")
	filetest.Into(t, filepath.Dir(outside), map[string]string{"outside.yaml": object("Pod", "p")})
	tests := map[string]struct {
		files map[string]string
		link  string // target of link.yaml
		want  string
	}{
		"nothing":     {files: map[string]string{"README.md": ""}, want: "no Kubernetes objects in it: name a directory or file of manifests"},
		"no objects":  {files: map[string]string{"a.yaml": "# empty\n"}, want: "no Kubernetes objects in it"},
		"link out":    {link: outside, want: "link.yaml: a symbolic link that leaves the directory or leads nowhere"},
		"link up":     {link: "../../etc/passwd", want: "link.yaml: a symbolic link that leaves the directory or leads nowhere"},
		"dead link":   {link: "gone.yaml", want: "link.yaml: a symbolic link that leaves the directory or leads nowhere"},
		"both errors": {files: map[string]string{"a.yaml": "a: [", "b.yaml": "kind: Pod\n"}, want: "b.yaml:1: apiVersion is missing"},
		"twice": {
			files: map[string]string{"a.yaml": object("Service", "s"), "b.yaml": "---\n" + strings.Replace(object("Service", "s"), "name: s", "name: s, namespace: default", 1)},
			want:  "b.yaml:2: Service default/s is already defined at ",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			filetest.Into(t, dir, tt.files)
			if tt.link != "" {
				if err := os.Symlink(tt.link, filepath.Join(dir, "link.yaml")); err != nil {
					t.Fatal(err)
				}
			}
			s, err := directory.Load(t.Context(), dir)
			if s != nil || err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
	if _, err := directory.Load(t.Context(), filepath.Join(t.TempDir(), "gone")); err == nil {
		t.Error("a missing directory was read")
	}
}

func TestLoadEndsWithItsContext(t *testing.T) {
	dir := t.TempDir()
	filetest.Into(t, dir, map[string]string{"a.yaml": object("Pod", "p")})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if s, err := directory.Load(ctx, dir); err == nil {
		t.Errorf("got %d objects, want an error", s.Len())
	}
}

// BenchmarkLoad5000 reads 5,000 objects of the size that clusters have: as one file an
// object, and as one dump.
func BenchmarkLoad5000(b *testing.B) {
	for _, files := range []int{5000, 50, 1} {
		b.Run(fmt.Sprintf("files=%d", files), func(b *testing.B) {
			dir := b.TempDir()
			contents := make([]strings.Builder, files)
			for i := range 5000 {
				fmt.Fprintf(&contents[i%files], deployment, i)
			}
			for i := range contents {
				filetest.Into(b, dir, map[string]string{fmt.Sprintf("%04d.yaml", i): contents[i].String()})
			}
			for b.Loop() {
				s, err := directory.Load(b.Context(), dir)
				if err != nil || s.Len() != 5000 {
					b.Fatal(err)
				}
			}
		})
	}
}

const deployment = `---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web-%d
  namespace: shop
  labels: {app.kubernetes.io/name: web, app.kubernetes.io/instance: web, helm.sh/chart: web-1.2.3}
  annotations:
    deployment.kubernetes.io/revision: "3"
spec:
  replicas: 2
  revisionHistoryLimit: 10
  selector:
    matchLabels: {app.kubernetes.io/name: web, app.kubernetes.io/instance: web}
  strategy:
    type: RollingUpdate
    rollingUpdate: {maxSurge: 25%%, maxUnavailable: 0}
  template:
    metadata:
      labels: {app.kubernetes.io/name: web, app.kubernetes.io/instance: web}
      annotations:
        prometheus.io/scrape: "true"
        prometheus.io/port: "9797"
    spec:
      serviceAccountName: web
      securityContext: {runAsNonRoot: true, fsGroup: 1000}
      containers:
      - name: web
        image: ghcr.io/example/web:6.9.2
        imagePullPolicy: IfNotPresent
        args: ["--port=9898", "--level=info", "--backend-url=http://api.shop.svc:8080"]
        env:
        - name: DATABASE_URL
          value: postgres://db.shop.svc.cluster.local:5432/shop
        - name: POD_NAME
          valueFrom: {fieldRef: {apiVersion: v1, fieldPath: metadata.name}}
        ports:
        - {name: http, containerPort: 9898, protocol: TCP}
        - {name: metrics, containerPort: 9797, protocol: TCP}
        livenessProbe:
          httpGet: {path: /healthz, port: http}
          initialDelaySeconds: 1
          periodSeconds: 10
        readinessProbe:
          httpGet: {path: /readyz, port: http}
          initialDelaySeconds: 1
          periodSeconds: 10
        resources:
          requests: {cpu: 10m, memory: 32Mi}
          limits: {memory: 64Mi}
        volumeMounts:
        - {name: data, mountPath: /data}
      volumes:
      - name: data
        emptyDir: {}
`
