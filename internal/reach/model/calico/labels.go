package calico

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"strings"

	"github.com/stagegate/stagegate/internal/reach/model/decode"
	"github.com/stagegate/stagegate/internal/reach/model/policy"
	"github.com/stagegate/stagegate/internal/reach/model/selector"
	"github.com/stagegate/stagegate/internal/snapshot"
)

// The labels that Calico adds to every pod, and the prefixes under which a pod inherits
// the labels of its namespace and service account.
const (
	accountLabel      = "projectcalico.org/serviceaccount"
	orchestratorLabel = "projectcalico.org/orchestrator"
	nameLabel         = "projectcalico.org/name"
	namespacePrefix   = "pcns."
	accountPrefix     = "pcsa."
	longestAccount    = 62 // longer names make no label
)

// view is the labels of a pod or network set as Calico's selectors see them.
type view struct {
	pod                     bool
	own, namespace, account map[string]string
	namespaceName           string // empty: in none
	accountName             string // of pods
}

// Get implements selector.Labels.
func (v view) Get(key string) (string, bool) {
	switch key {
	case selector.NamespaceLabel, namespacePrefix + nameLabel:
		return v.namespaceName, v.namespaceName != ""
	case orchestratorLabel:
		return "k8s", v.pod
	case accountLabel:
		return v.accountName, v.pod && len(v.accountName) <= longestAccount
	case accountPrefix + nameLabel:
		return v.accountName, v.pod
	}
	value, ok := v.own[key]
	if rest, inherited := strings.CutPrefix(key, namespacePrefix); inherited && !ok {
		value, ok = v.namespace[rest]
	}
	if rest, inherited := strings.CutPrefix(key, accountPrefix); inherited && !ok {
		value, ok = v.account[rest]
	}
	return value, ok
}

// prefixed looks labels up under a prefix, as namespaceSelector and serviceAccounts do.
type prefixed struct {
	prefix string
	view   view
}

// Get implements selector.Labels. Whether there is a namespace at all is what all() and
// global() ask for; that label has no prefix.
func (p prefixed) Get(key string) (string, bool) {
	if key == selector.NamespaceLabel {
		return p.view.Get(key)
	}
	return p.view.Get(p.prefix + key)
}

func podView(p *policy.Party) view {
	return view{
		pod: true, own: p.Pod.Labels, namespace: p.Namespace.Labels, account: p.ServiceAccount,
		namespaceName: p.Pod.Namespace, accountName: p.ServiceAccountName(),
	}
}

// collect adds what a label key looks at.
func collect(u *policy.Uses, key string) {
	u.Labels[key] = true
	namespaceKey, inNamespace := strings.CutPrefix(key, namespacePrefix)
	accountKey, inAccount := strings.CutPrefix(key, accountPrefix)
	switch {
	case key == selector.NamespaceLabel, namespaceKey == nameLabel:
		u.EveryNamespace = true
	case key == accountLabel, accountKey == nameLabel:
		u.ServiceAccountNames = true
	case inNamespace:
		u.NamespaceLabels[namespaceKey] = true
	case inAccount:
		u.ServiceAccountLabels[accountKey] = true
	}
}

func readSets(s *snapshot.Snapshot) ([]networkSet, error) {
	namespaces := map[string]map[string]string{}
	for _, o := range s.Kind("", "Namespace") {
		namespaces[o.GetName()] = o.GetLabels()
	}
	var out []networkSet
	var problems []error
	for _, kind := range []string{"GlobalNetworkSet", "NetworkSet"} {
		for _, o := range objects(s, kind) {
			set, err := readSet(o, namespaces)
			problems = append(problems, decode.In(o, err))
			out = append(out, set)
		}
	}
	return out, errors.Join(problems...)
}

func readSet(o snapshot.Object, namespaces map[string]map[string]string) (networkSet, error) {
	var spec SetSpec
	if _, given := o.Object["spec"]; given {
		if err := decode.Spec(o, &spec); err != nil {
			return networkSet{}, err
		}
	}
	v := view{own: o.GetLabels(), namespaceName: o.GetNamespace()}
	if ns := o.GetNamespace(); ns != "" {
		v.namespace = map[string]string{"kubernetes.io/metadata.name": ns}
		maps.Copy(v.namespace, namespaces[ns])
	}
	var prefixes []netip.Prefix
	var problems []error
	for i, text := range spec.Nets {
		p, err := decode.PrefixOrAddr(fmt.Sprintf("spec.nets[%d]", i), text)
		problems = append(problems, err)
		prefixes = append(prefixes, p)
	}
	return networkSet{v, prefixNets(prefixes)}, errors.Join(problems...)
}
