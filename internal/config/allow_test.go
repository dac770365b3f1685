package config

import (
	"testing"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/snapshot"
)

func TestAllowPermits(t *testing.T) {
	item := func(action change.Action, group, kind, namespace string) change.Set {
		return change.Set{Items: []change.Item{{Action: action, Object: snapshot.Key{Group: group, Kind: kind, Namespace: namespace, Name: "x"}}}}
	}
	narrow := Allow{Kinds: []string{"Deployment.apps", "Service"}, Namespaces: []string{"shop"}}
	for name, c := range map[string]struct {
		allow Allow
		set   change.Set
		want  string
	}{
		"everything by default":   {Allow{}, item(change.Create, "rbac.authorization.k8s.io", "ClusterRole", ""), ""},
		"named kind and place":    {narrow, item(change.Update, "apps", "Deployment", "shop"), ""},
		"core kind":               {narrow, item(change.Update, "", "Service", "shop"), ""},
		"what does not change":    {narrow, item(change.Keep, "apps", "DaemonSet", "kube-system"), ""},
		"same kind, other group":  {narrow, item(change.Create, "other", "Deployment", "shop"), "Deployment.other shop/x: kind Deployment.other is not among spec.allow.kinds of the environment"},
		"other namespace, delete": {narrow, item(change.Delete, "apps", "Deployment", "pay"), "Deployment.apps pay/x: namespace pay is not among spec.allow.namespaces of the environment"},
	} {
		t.Run(name, func(t *testing.T) {
			got := ""
			if err := c.allow.Permits(c.set); err != nil {
				got = err.Error()
			}
			if got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}
