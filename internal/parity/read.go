package parity

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/stagegate/stagegate/internal/apply"
	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/reach/topology"
	"github.com/stagegate/stagegate/internal/snapshot"
)

// Read finds the versions of what runs in a cluster: of the ingress controllers that its
// routes resolve to, and of its network plug-ins.
func Read(kubernetes string, s *snapshot.Snapshot) Versions {
	v := Versions{Kubernetes: kubernetes}
	controllers := map[string]bool{}
	for _, r := range topology.Build(s).Routes {
		if r.Controller != nil {
			controllers[r.Controller.Workload] = true
		}
	}
	for _, kind := range []string{"Deployment", "DaemonSet", "StatefulSet"} {
		for _, o := range s.Kind("apps", kind) {
			if controllers[strings.ToLower(kind)+"/"+o.GetNamespace()+"/"+o.GetName()] {
				v.IngressControllers = append(v.IngressControllers, images(o.Unstructured)...)
			}
			// kube-proxy carries packets too, but its version is that of Kubernetes.
			if slices.Contains(apply.Risks(o.Unstructured), change.RiskCNI) && o.GetName() != "kube-proxy" {
				v.CNI = append(v.CNI, images(o.Unstructured)...)
			}
		}
	}
	for _, list := range []*[]string{&v.IngressControllers, &v.CNI} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	return v
}

// images are those of a workload's containers, without registry and digest.
func images(o *unstructured.Unstructured) []string {
	containers, _, _ := unstructured.NestedSlice(o.Object, "spec", "template", "spec", "containers")
	var out []string
	for _, c := range containers {
		fields, _ := c.(map[string]any)
		image, _ := fields["image"].(string)
		image, _, _ = strings.Cut(image, "@")
		if image != "" {
			out = append(out, image[strings.LastIndex(image, "/")+1:])
		}
	}
	return out
}
