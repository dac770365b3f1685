package helm

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/strvals"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/change/tree"
)

// ClusterNameValue is the value by which a chart learns the cluster name.
const ClusterNameValue = "clusterName"

// userValues merges the values files in order, and then what was set, as Helm does.
func userValues(source change.Source) (map[string]any, error) {
	merged := map[string]any{}
	for _, name := range source.Values {
		if strings.Contains(name, "://") || name == change.Stdin {
			return nil, fmt.Errorf("values file %s: only local files can be read: download it and name the file", name)
		}
		content, err := tree.Read(name)
		if err != nil {
			return nil, fmt.Errorf("values file %s: %w", name, err)
		}
		values, err := loader.LoadValues(bytes.NewReader(content))
		if err != nil {
			return nil, fmt.Errorf("values file %s: %w", name, err)
		}
		merged = loader.MergeMaps(merged, values)
	}
	for _, s := range source.Set {
		if err := strvals.ParseInto(s, merged); err != nil {
			key, _, _ := strings.Cut(s, "=")
			return nil, fmt.Errorf("value %q: %w: write it as key=value", key, err)
		}
	}
	return merged, nil
}

// values lays the user's values over what the environment hands on: its variables and the
// cluster name. All of them go over the chart's own defaults. A variable that the chart's
// schema does not admit is not handed on, since third-party charts refuse values that
// they do not know.
func (p *Part) values(c *chart.Chart, target change.Target) (map[string]any, error) {
	given := maps.Clone(target.Variables)
	if given == nil {
		given = map[string]any{}
	}
	if target.ClusterName != "" {
		given[ClusterNameValue] = target.ClusterName
		if set, ok := p.user[ClusterNameValue]; ok && set != target.ClusterName {
			return nil, fmt.Errorf("%s is set to %q, but the cluster name is %q: leave the value out, it comes from --cluster-name",
				ClusterNameValue, fmt.Sprint(set), target.ClusterName)
		}
	}
	admitted := admits(c.Schema)
	maps.DeleteFunc(given, func(name string, _ any) bool { return !admitted(name) })
	return loader.MergeMaps(deepCopy(given), deepCopy(p.user)), nil
}

func deepCopy(values map[string]any) map[string]any {
	out := make(map[string]any, len(values))
	for k, v := range values {
		out[k] = copyValue(v)
	}
	return out
}

func copyValue(value any) any {
	switch v := value.(type) {
	case map[string]any:
		return deepCopy(v)
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = copyValue(v[i])
		}
		return out
	}
	return value
}

// canonical is JSON with the type of each scalar: Helm prints 1000000 and 1e+06 for the
// same number as an integer and as a float.
func canonical(values map[string]any) []byte {
	content, err := json.Marshal(typed(values))
	if err != nil {
		return []byte(fmt.Sprintf("%#v", values)) // not a value that YAML can hold
	}
	return content
}

func typed(value any) any {
	switch v := value.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k := range v {
			out[k] = typed(v[k])
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = typed(v[i])
		}
		return out
	}
	return fmt.Sprintf("%T %v", value, value)
}
