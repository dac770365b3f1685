package inspect

import (
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"github.com/stagegate/stagegate/internal/snapshot"
	"github.com/stagegate/stagegate/internal/yamldoc"
)

// usePlan ends what only a plan can tell.
const usePlan = "stagegate check --trust makes a plan, and stagegate stage finds out what it does"

// manifests are the resource types that hold a whole object, and the argument with it.
var manifests = map[string]string{
	"kubectl_manifest":    "yaml_body",
	"kubernetes_manifest": "manifest",
}

// Resource types that do nothing to what can be reached.
var (
	inert         = []string{"terraform_data", "null_resource", "local_file", "local_sensitive_file"}
	inertPrefixes = []string{"random_", "time_", "tls_"}
	// Without the "kubernetes_" before and the "_v1" after.
	inertKinds = []string{
		"secret", "secret_v1_data", "config_map", "config_map_v1_data", "service_account", "role", "role_binding",
		"cluster_role", "cluster_role_binding", "storage_class", "persistent_volume", "persistent_volume_claim",
		"priority_class", "resource_quota", "limit_range", "annotations",
	}
	clusterPrefixes = []string{"kubernetes_", "kubectl_", "helm_", "kustomization_", "argocd_", "flux_"}
)

// Effect is what resources of a type do to what can be reached.
type Effect int

// The effects: none at all, something in the cluster that is no manifest, a whole manifest,
// or something elsewhere, such as in a cloud's network.
const (
	NoEffect Effect = iota
	InCluster
	Manifest
	Elsewhere
)

// EffectOf is the effect of a resource type.
func EffectOf(kind string) Effect {
	bare := strings.TrimSuffix(strings.TrimPrefix(kind, "kubernetes_"), "_v1")
	hasPrefix := func(prefix string) bool { return strings.HasPrefix(kind, prefix) }
	switch {
	case manifests[kind] != "":
		return Manifest
	case slices.Contains(inert, kind), slices.ContainsFunc(inertPrefixes, hasPrefix),
		hasPrefix("kubernetes_") && slices.Contains(inertKinds, bare):
		return NoEffect
	case slices.ContainsFunc(clusterPrefixes, hasPrefix):
		return InCluster
	}
	return Elsewhere
}

// model reads the objects of a resource, or says that it cannot.
func (i *inspector) model(s *scope, b *hclsyntax.Block, instances []instance, known bool) {
	if b.Type != "resource" {
		return
	}
	kind := b.Labels[0]
	switch EffectOf(kind) {
	case NoEffect:
	case Manifest:
		i.manifests(s, b, manifests[kind], instances, known)
	case InCluster:
		if !known || len(instances) > 0 {
			i.unclear(b.DefRange(), s.at(written(b)), "puts something into the cluster that is not written as a manifest, so it cannot be modelled here", "stagegate stage finds out what it does")
		}
	case Elsewhere:
		i.others[kind] += max(len(instances), 1)
	}
}

// manifests reads the object of each instance.
func (i *inspector) manifests(s *scope, b *hclsyntax.Block, argument string, instances []instance, known bool) {
	address := s.at(written(b))
	if !known {
		i.unclear(b.DefRange(), address, "stands for a number of objects that only a plan knows: "+s.unknowns(number(b)), usePlan)
		return
	}
	a, ok := b.Body.Attributes[argument]
	if !ok {
		i.unclear(b.DefRange(), address, "has no "+argument+" that could be read", usePlan)
		return
	}
	for _, one := range instances {
		i.manifest(one, b, a, address+one.key)
	}
}

func (i *inspector) manifest(one instance, b *hclsyntax.Block, a *hclsyntax.Attribute, address string) {
	v := one.scope.eval(a.Expr)
	if !v.IsWhollyKnown() || v.IsNull() {
		i.unclear(a.SrcRange, address, "has an object that follows from what only a plan knows: "+one.scope.unknowns(a.Expr), usePlan)
		return
	}
	objects, err := Decode(place(a.SrcRange)+" ("+address+")", v)
	if err != nil {
		i.errs = append(i.errs, err)
		return
	}
	if o, ok := b.Body.Attributes["override_namespace"]; ok {
		namespace := one.scope.eval(o.Expr)
		if !isText(namespace) {
			i.unclear(o.SrcRange, address, "goes to a namespace that only a plan knows: "+one.scope.unknowns(o.Expr), usePlan)
			return
		}
		for _, object := range objects {
			object.SetNamespace(namespace.AsString())
		}
	}
	for n := range objects {
		objects[n].Source = place(a.SrcRange)
	}
	i.objects = append(i.objects, objects...)
}

// Decode reads an object as kubectl_manifest (YAML text) and kubernetes_manifest (an object) have it.
func Decode(name string, v cty.Value) ([]snapshot.Object, error) {
	if isText(v) {
		return yamldoc.Decode(name, []byte(v.AsString()))
	}
	content, err := ctyjson.Marshal(v, v.Type())
	if err != nil {
		return nil, err
	}
	return yamldoc.Decode(name, content)
}

// tell names what was not modelled, all in one.
func (i *inspector) tell(root *module) {
	where := i.shown("")
	if where == "" {
		where = root.files[0].name
	}
	if len(i.others) > 0 {
		var kinds []string
		for kind, n := range i.others {
			kinds = append(kinds, kind+" ("+strconv.Itoa(n)+")")
		}
		slices.Sort(kinds)
		i.add(Finding{Severity: Remark, Place: where, What: "what these do to the network is not modelled: " + strings.Join(kinds, ", ")})
	}
	if len(i.objects) == 0 {
		i.add(Finding{Severity: Unclear, Place: where, What: "holds no Kubernetes object that could be read, so nothing of it was modelled", Remedy: usePlan})
	}
}
