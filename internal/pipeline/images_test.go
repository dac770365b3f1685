package pipeline

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/internal/yamldoc"
)

func TestImagesOfAChange(t *testing.T) {
	objects, err := yamldoc.Decode("change.yaml", []byte(`
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      initContainers: [{name: init, image: "init:1"}]
      containers: [{name: web, image: "web:1"}, {name: side, image: "side:1"}, {name: none}]
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: report}
spec: {jobTemplate: {spec: {template: {spec: {containers: [{name: report, image: "report:1"}]}}}}}
---
apiVersion: v1
kind: Pod
metadata: {name: bare}
spec: {containers: [{name: bare, image: "bare:1"}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: data}
data: {image: "not-an-image:1"}
`))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, o := range objects {
		got = appendImages(got, o.Object)
	}
	slices.Sort(got)
	if diff := cmp.Diff([]string{"bare:1", "init:1", "report:1", "side:1", "web:1"}, got); diff != "" {
		t.Error(diff)
	}
}
