package model_test

func (w *world) podSelector() string {
	return w.selector("app", "role", "projectcalico.org/namespace", "projectcalico.org/serviceaccount")
}

func (w *world) namespaceSelector() string {
	return w.selector("app", "role", "projectcalico.org/name", "kubernetes.io/metadata.name")
}

func (w *world) calico(global bool) object {
	spec := object{}
	if w.chance(60) {
		spec["order"] = pickOne[any](w, int64(999), 1000.0, 1000.5, int64(2000))
	}
	if w.chance(50) {
		spec["selector"] = w.podSelector()
	}
	if w.chance(20) {
		spec["serviceAccountSelector"] = w.selector("app", "projectcalico.org/name")
	}
	if global && w.chance(40) {
		spec["namespaceSelector"] = w.namespaceSelector()
	}
	for name := range w.tiers {
		if w.chance(40) && (len(w.tiers) == 1 || name == "back") {
			spec["tier"] = name
		}
	}
	if w.chance(60) {
		spec["types"] = pickOne(w, list{"Ingress"}, list{"Egress"}, list{"Ingress", "Egress"})
	}
	spec["ingress"] = w.some(3, func() any { return w.calicoRule(false) })
	spec["egress"] = w.some(3, func() any { return w.calicoRule(true) })
	return spec
}

func (w *world) calicoRule(egress bool) any {
	r := object{"action": pickOne(w, "Allow", "Deny", "Pass", "Log", "Allow")}
	source, destination := w.entity(), w.entity()
	if w.chance(15) {
		service := object{"services": object{"name": "svc", "namespace": pickOne(w, "n0", "n1")}}
		if egress {
			destination = service
		} else {
			source = service
		}
	}
	if w.chance(50) {
		r["protocol"] = pickOne(w, "TCP", "UDP", "SCTP", "ICMP")
		if _, services := destination["services"]; !services && w.chance(60) {
			destination["ports"] = pickOne(w, list{int64(80)}, list{"http"}, list{"50:90", int64(8080)}, list{"alt", "dns"})
		}
		if w.chance(20) {
			destination["notPorts"] = pickOne(w, list{int64(80)}, list{"http"}, list{"1:60"})
		}
	} else if w.chance(20) {
		r["notProtocol"] = pickOne(w, "TCP", "UDP")
	}
	if w.chance(10) {
		r["ipVersion"] = pickOne[any](w, int64(4), int64(6))
	}
	r["source"], r["destination"] = source, destination
	return r
}

func (w *world) entity() object {
	e := object{}
	if w.chance(35) {
		e["selector"] = w.podSelector()
	}
	if w.chance(15) {
		e["notSelector"] = w.podSelector()
	}
	switch {
	case w.chance(20):
		e["namespaceSelector"] = w.namespaceSelector()
	case w.chance(10):
		e["namespaceSelector"] = pickOne(w, "all()", "global()")
	}
	if w.chance(15) {
		e["nets"] = texts(w.nets())
	}
	if w.chance(10) {
		e["notNets"] = texts(w.nets())
	}
	if w.chance(10) {
		e["serviceAccounts"] = pickOne(w, object{"names": list{"robot"}}, object{"selector": w.selector("app", "role")},
			object{"names": list{"robot", "default"}, "selector": w.selector("role")})
	}
	return e
}
