package apply

import (
	"maps"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/snapshot"
)

// PlanOffline says what objects would do to a state that was read before, without a
// cluster: fields that only the state has are left alone, as server-side apply leaves
// those of other owners, and lists are compared as a whole.
func PlanOffline(state *snapshot.Snapshot, part string, objects []snapshot.Object) change.Set {
	var set change.Set
	for _, o := range objects {
		key := snapshot.KeyOf(o.Unstructured)
		item := change.Item{Part: part, Action: change.Create, Object: key}
		if live, ok := state.Get(key); ok {
			after := &unstructured.Unstructured{Object: put(live.UnstructuredContent(), o.UnstructuredContent())}
			item.Action, item.Fields = change.Update, differences(live.Unstructured, after)
			if len(item.Fields) == 0 {
				item.Action = change.Keep
			}
		}
		if item.Action != change.Keep {
			item.Risks = Risks(o.Unstructured)
		}
		set.Items = append(set.Items, item)
	}
	return set
}

// put is base with the fields of top put in.
func put(base, top map[string]any) map[string]any {
	out := maps.Clone(base)
	for k, v := range top {
		below, isMap := v.(map[string]any)
		under, wasMap := base[k].(map[string]any)
		if isMap && wasMap {
			v = put(under, below)
		}
		out[k] = v
	}
	return out
}
