package helm

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"helm.sh/helm/v4/pkg/chart/common"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/snapshot"
)

// defaultKubeVersion is assumed where no cluster is at hand: that of the client libraries.
const defaultKubeVersion = "v1.37.0"

// capabilities are those of the target, or of a plain cluster where none is at hand, and
// what the chart's own crds/ add: Helm creates them before it renders.
func capabilities(target change.Target, definitions []snapshot.Object) (*common.Capabilities, error) {
	caps := common.DefaultCapabilities.Copy()
	version, err := common.ParseKubeVersion(cmp.Or(target.KubeVersion, defaultKubeVersion))
	if err != nil {
		return nil, fmt.Errorf("kubernetes version %q of the target: %w", target.KubeVersion, err)
	}
	caps.KubeVersion = *version
	if len(target.APIVersions) > 0 {
		caps.APIVersions = target.APIVersions
	}
	caps.APIVersions = slices.Concat(caps.APIVersions, served(definitions))
	return caps, nil
}

// served lists the API versions of definitions as Helm does: group/version, group/version/Kind.
func served(definitions []snapshot.Object) []string {
	var out []string
	for _, d := range definitions {
		group, _, _ := unstructured.NestedString(d.Object, "spec", "group")
		kind, _, _ := unstructured.NestedString(d.Object, "spec", "names", "kind")
		versions, _, _ := unstructured.NestedSlice(d.Object, "spec", "versions")
		for _, v := range versions {
			fields, _ := v.(map[string]any)
			if name, _ := fields["name"].(string); fields["served"] == true {
				out = append(out, group+"/"+name, group+"/"+name+"/"+kind)
			}
		}
	}
	return out
}

// some is a list for people, in order, of at most eight.
func some(list []string) string {
	const most = 8
	slices.Sort(list)
	if len(list) > most {
		return strings.Join(list[:most], ", ") + fmt.Sprintf(" and %d more", len(list)-most)
	}
	return strings.Join(list, ", ")
}
