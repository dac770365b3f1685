package helm

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"helm.sh/helm/v4/pkg/chart/common"
	chart "helm.sh/helm/v4/pkg/chart/v2"

	"github.com/stagegate/stagegate/internal/change"
)

func digestOf(c *chart.Chart, p *Part) change.Digest {
	h := change.NewHash("helm")
	h.Add("chart", []byte(chartDigest(c)))
	h.Add("values", canonical(p.user))
	h.Add("release", []byte(p.release))
	h.Add("namespace", []byte(p.namespace))
	return h.Sum()
}

// chartDigest covers what Helm makes of a chart, not its bytes: packing rewrites
// Chart.yaml and Chart.lock, and a dependency may lie in charts/ packed or unpacked.
// Chart.lock is left out, since the dependencies themselves are covered.
func chartDigest(c *chart.Chart) change.Digest {
	h := change.NewHash("helm-chart")
	metadata, err := json.Marshal(c.Metadata)
	if err != nil {
		metadata = []byte(fmt.Sprintf("%#v", *c.Metadata))
	}
	h.Add("metadata", metadata)
	for _, f := range slices.Concat(c.Templates, c.Files) {
		h.Add("file "+f.Name, f.Data)
	}
	for _, f := range rootFiles(c.Raw) {
		h.Add("file "+f.Name, f.Data)
	}
	for _, sub := range c.Dependencies() {
		h.Add("dependency "+sub.Name(), []byte(chartDigest(sub)))
	}
	h.Sort()
	return h.Sum()
}

// rootFiles are the files that Helm parses and keeps nowhere else as they are.
func rootFiles(raw []*common.File) []*common.File {
	var out []*common.File
	for _, f := range raw {
		if f.Name == "values.yaml" || f.Name == "values.schema.json" || strings.HasPrefix(f.Name, "requirements.yaml") {
			out = append(out, f)
		}
	}
	return out
}
