package model_test

import (
	"fmt"
	"strings"
)

func (w *world) policy(name string) {
	ns := pickOne(w, "n0", "n1", "n2")
	kind := w.IntN(7)
	if w.plain && w.chance(50) {
		kind = 5 + w.IntN(2)
	}
	switch kind {
	case 0, 1:
		w.add("networking.k8s.io/v1", "NetworkPolicy", ns, name, nil, w.networkPolicy())
	case 2:
		w.add("policy.networking.k8s.io/v1alpha1", "AdminNetworkPolicy", "", name, nil, w.admin(true))
	case 3:
		w.add("policy.networking.k8s.io/v1alpha1", "BaselineAdminNetworkPolicy", "", "default", nil, w.admin(false))
		w.onlyOne("BaselineAdminNetworkPolicy")
	case 4:
		w.add("policy.networking.k8s.io/v1alpha2", "ClusterNetworkPolicy", "", name, nil, w.clusterPolicy())
	case 5:
		w.add("projectcalico.org/v3", "GlobalNetworkPolicy", "", name, nil, w.calico(true))
	default:
		w.add("projectcalico.org/v3", "NetworkPolicy", ns, name, nil, w.calico(false))
	}
}

// onlyOne drops the last object if there is another of its kind.
func (w *world) onlyOne(kind string) {
	last := len(w.objects) - 1
	for _, o := range w.objects[:last] {
		if o.GetKind() == kind {
			w.objects = w.objects[:last]
			return
		}
	}
}

func (w *world) labelSelector() object {
	out := object{}
	if w.chance(60) {
		out["matchLabels"] = object{pickOne(w, "app", "role"): pickOne[any](w, "a", "b")}
	}
	if w.chance(30) {
		e := object{"key": pickOne(w, "app", "role", "gone"), "operator": pickOne(w, "In", "NotIn", "Exists", "DoesNotExist")}
		if op := e["operator"]; op == "In" || op == "NotIn" {
			e["values"] = list{"a", "ab"}
		}
		out["matchExpressions"] = list{e}
	}
	return out
}

func (w *world) some(max int, make func() any) list {
	out := list{}
	for range w.IntN(max + 1) {
		out = append(out, make())
	}
	return out
}

func (w *world) networkPolicy() object {
	spec := object{"podSelector": w.labelSelector()}
	if w.chance(60) {
		spec["policyTypes"] = pickOne(w, list{"Ingress"}, list{"Egress"}, list{"Ingress", "Egress"})
	}
	for _, d := range [][2]string{{"ingress", "from"}, {"egress", "to"}} {
		if w.chance(70) {
			spec[d[0]] = w.some(2, func() any {
				r := object{}
				if w.chance(70) {
					r[d[1]] = w.some(2, w.peer)
				}
				if w.chance(50) {
					r["ports"] = w.some(2, w.port)
				}
				return r
			})
		}
	}
	return spec
}

func (w *world) peer() any {
	switch w.IntN(4) {
	case 0:
		return object{"podSelector": w.labelSelector()}
	case 1:
		return object{"namespaceSelector": w.labelSelector()}
	case 2:
		return object{"podSelector": w.labelSelector(), "namespaceSelector": w.labelSelector()}
	}
	return object{"ipBlock": pickOne(w,
		object{"cidr": "10.0.0.0/16", "except": list{"10.0.1.0/24"}}, object{"cidr": "0.0.0.0/0"},
		object{"cidr": "192.168.0.1/32"}, object{"cidr": "fd00::/16", "except": list{"fd00::1:0/112"}})}
}

func (w *world) port() any {
	return pickOne(w, object{"port": int64(80)}, object{"port": "http"}, object{"port": "http", "protocol": "UDP"},
		object{"protocol": "SCTP"}, object{"port": int64(79), "endPort": int64(8080)}, object{"port": int64(53), "protocol": "UDP"})
}

func (w *world) subject() object {
	if w.chance(50) {
		return object{"namespaces": w.labelSelector()}
	}
	return object{"pods": object{"namespaceSelector": w.labelSelector(), "podSelector": w.labelSelector()}}
}

func (w *world) adminPeer(egress bool) any {
	if egress && w.chance(40) {
		if w.chance(50) {
			return object{"nodes": w.labelSelector()}
		}
		return object{"networks": texts(w.nets())}
	}
	return w.subject()
}

func (w *world) adminRules(egress bool, actions []string, ports string, port func() any) list {
	return w.some(3, func() any {
		r := object{"action": pickOne(w, actions...)}
		peers := list{w.adminPeer(egress)}
		if w.chance(30) {
			peers = append(peers, w.adminPeer(egress))
		}
		r[map[bool]string{true: "to", false: "from"}[egress]] = peers
		if w.chance(50) {
			r[ports] = w.some(2, port)
		}
		return r
	})
}

func (w *world) admin(prioritized bool) object {
	actions := []string{"Allow", "Deny"}
	spec := object{"subject": w.subject()}
	if prioritized {
		actions = append(actions, "Pass")
		spec["priority"] = int64(w.IntN(3))
	}
	port := func() any {
		return pickOne(w, object{"portNumber": object{"port": int64(80), "protocol": "TCP"}}, object{"portNumber": object{"port": int64(80), "protocol": "SCTP"}},
			object{"namedPort": "http"}, object{"portRange": object{"start": int64(50), "end": int64(90), "protocol": "UDP"}})
	}
	spec["ingress"] = w.adminRules(false, actions, "ports", port)
	spec["egress"] = w.adminRules(true, actions, "ports", port)
	return spec
}

func (w *world) clusterPolicy() object {
	port := func() any {
		return pickOne(w, object{"tcp": object{"destinationPort": object{"number": int64(80)}}}, object{"udp": object{}},
			object{"sctp": object{"destinationPort": object{"range": object{"start": int64(1), "end": int64(99)}}}}, object{"destinationNamedPort": "http"})
	}
	actions := []string{"Accept", "Deny", "Pass"}
	return object{
		"tier": pickOne(w, "Admin", "Baseline"), "priority": int64(w.IntN(3)), "subject": w.subject(),
		"ingress": w.adminRules(false, actions, "protocols", port), "egress": w.adminRules(true, actions, "protocols", port),
	}
}

// selector makes an expression and remembers what it means.
func (w *world) selector(keys ...string) string {
	text, meaning := w.expression(2, keys)
	w.meaning[text] = meaning
	return text
}

func (w *world) expression(depth int, keys []string) (string, func(map[string]string) bool) {
	if depth > 0 && w.chance(40) {
		left, l := w.expression(depth-1, keys)
		right, r := w.expression(depth-1, keys)
		if w.chance(50) {
			return fmt.Sprintf("(%s) && (%s)", left, right), func(m map[string]string) bool { return l(m) && r(m) }
		}
		return fmt.Sprintf("(%s)||(%s)", left, right), func(m map[string]string) bool { return l(m) || r(m) }
	}
	if depth > 0 && w.chance(15) {
		inner, f := w.expression(depth-1, keys)
		return fmt.Sprintf("! (%s)", inner), func(m map[string]string) bool { return !f(m) }
	}
	key := pickOne(w, keys...)
	switch {
	case strings.HasSuffix(key, "/namespace"), strings.HasSuffix(key, "name"):
		return w.comparison(key, pickOne(w, "n0", "n1"))
	case strings.HasSuffix(key, "/serviceaccount"):
		return w.comparison(key, "robot")
	}
	return w.comparison(key, pickOne(w, "a", "b"))
}

func (w *world) comparison(k, v string) (string, func(map[string]string) bool) {
	switch w.IntN(8) {
	case 0:
		return fmt.Sprintf("%s == '%s'", k, v), func(m map[string]string) bool { got, ok := m[k]; return ok && got == v }
	case 1:
		return fmt.Sprintf("%s != \"%s\"", k, v), func(m map[string]string) bool { got, ok := m[k]; return !ok || got != v }
	case 2:
		return fmt.Sprintf("%s in {'%s', 'ab'}", k, v), func(m map[string]string) bool { got, ok := m[k]; return ok && (got == v || got == "ab") }
	case 3:
		return fmt.Sprintf("%s not in { '%s' }", k, v), func(m map[string]string) bool { got, ok := m[k]; return !ok || got != v }
	case 4:
		return fmt.Sprintf("has(%s)", k), func(m map[string]string) bool { _, ok := m[k]; return ok }
	case 5:
		return fmt.Sprintf("%s contains '%s'", k, v), func(m map[string]string) bool { return strings.Contains(m[k], v) }
	case 6:
		return fmt.Sprintf("%s starts with '%s'", k, v), func(m map[string]string) bool { return strings.HasPrefix(m[k], v) }
	}
	return fmt.Sprintf("%s ends with '%s'", k, v), func(m map[string]string) bool { return strings.HasSuffix(m[k], v) }
}
