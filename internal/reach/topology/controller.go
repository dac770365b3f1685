package topology

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/stagegate/stagegate/internal/snapshot"
)

// ClassLabel on an ingress controller's pods or workload names the class that it serves,
// where that cannot be told otherwise.
const ClassLabel = "stagegate.dev/ingress-class"

// search is what is known of a controller that is looked for.
type search struct {
	class     class
	addresses []string // that status says it publishes
	// pods are known from elsewhere, such as a Gateway's own; then nothing is looked for.
	pods    []*Pod
	problem string

	done       bool
	controller *Controller
}

// candidate is a workload that may be the controller.
type candidate struct {
	workload string
	pods     []*Pod
}

// resolver finds the pods of ingress controllers, best evidence first.
type resolver struct {
	b          *builder
	candidates []candidate
	byPod      map[*Pod]int // index of its candidate
	// classLabels are the class labels of workloads.
	classLabels map[string]string
}

func newResolver(b *builder) *resolver {
	r := &resolver{b: b, byPod: map[*Pod]int{}, classLabels: map[string]string{}}
	for _, o := range b.snapshot.All() {
		if l := o.GetLabels()[ClassLabel]; l != "" {
			r.classLabels[workloadName(snapshot.KeyOf(o.Unstructured))] = l
		}
	}
	index := map[string]int{}
	for _, p := range b.cluster.Pods {
		if strings.HasPrefix(p.Workload, "job/") || strings.HasPrefix(p.Workload, "cronjob/") {
			continue
		}
		i, ok := index[p.Workload]
		if !ok {
			i = len(r.candidates)
			index[p.Workload] = i
			r.candidates = append(r.candidates, candidate{workload: p.Workload})
		}
		r.candidates[i].pods = append(r.candidates[i].pods, p)
		r.byPod[p] = i
	}
	return r
}

// resolve finds the controller once for each search.
func (r *resolver) resolve(s *search) (*Controller, string) {
	if !s.done {
		s.done = true
		s.controller, s.problem = r.find(s)
	}
	return s.controller, s.problem
}

func (r *resolver) find(s *search) (*Controller, string) {
	if found := r.labelled(s.class.name); len(found) > 0 {
		return r.only(s, found, "the label "+ClassLabel)
	}
	if s.problem != "" {
		return nil, s.problem
	}
	if found := r.of(s.pods); len(found) > 0 {
		return r.only(s, found, "the Gateway's own pods")
	}
	if found := r.atAddresses(s.addresses); len(found) > 0 {
		return r.only(s, found, "the addresses in status: "+strings.Join(s.addresses, ", "))
	}
	kinds := knownFor(s.class)
	if len(kinds) > 0 && !slices.ContainsFunc(kinds, func(k known) bool { return !k.external }) {
		return &Controller{Class: s.class.name, External: true}, ""
	}
	return r.only(s, r.byClass(s.class, kinds), "labels, images and class arguments")
}

// only makes a controller of one candidate; none or several are a problem.
func (r *resolver) only(s *search, found []candidate, evidence string) (*Controller, string) {
	const remedy = "set the label " + ClassLabel + ": %s on the controller's pods or workload"
	want := cmp.Or(s.class.name, "NAME")
	switch len(found) {
	case 1:
		return &Controller{Class: s.class.name, Workload: found[0].workload, Pods: found[0].pods, Services: r.servicesOf(found[0].pods)}, ""
	case 0:
		if s.class.name == "" {
			return nil, "the object names no class, there is no default IngressClass, and no controller was found that serves such Ingresses: set spec.ingressClassName"
		}
		return nil, fmt.Sprintf("no pods found of an ingress controller for %s (controller %q), looked for by %s: install it, or "+remedy,
			s.class, s.class.controller, evidence, want)
	}
	var names []string
	for _, c := range found {
		names = append(names, c.workload)
	}
	return nil, fmt.Sprintf("several workloads may be the ingress controller for %s, by %s: %s; "+remedy+" that serves it",
		s.class, evidence, strings.Join(names, ", "), want)
}

func (r *resolver) labelled(class string) []candidate {
	return r.filter(func(c candidate) bool {
		return class != "" && slices.ContainsFunc(c.pods, func(p *Pod) bool {
			return p.Labels[ClassLabel] == class || r.classLabels[p.Workload] == class
		})
	})
}

func (r *resolver) filter(keep func(candidate) bool) []candidate {
	var out []candidate
	for _, c := range r.candidates {
		if keep(c) {
			out = append(out, c)
		}
	}
	return out
}

// of are the workloads of pods.
func (r *resolver) of(pods []*Pod) []candidate {
	wanted := map[int]bool{}
	for _, p := range pods {
		if i, ok := r.byPod[p]; ok {
			wanted[i] = true
		}
	}
	var out []candidate
	for i, c := range r.candidates {
		if wanted[i] {
			out = append(out, c)
		}
	}
	return out
}

// atAddresses are the workloads behind the Services that have one of the addresses.
func (r *resolver) atAddresses(addresses []string) []candidate {
	var pods []*Pod
	for _, s := range r.b.cluster.Services {
		if slices.ContainsFunc(s.LoadBalancer, func(a string) bool { return slices.Contains(addresses, a) }) {
			pods = append(pods, r.b.selectPods(s.Namespace, s.Selector)...)
		}
	}
	return r.of(pods)
}

// byClass are the workloads that look like the controller. Those whose arguments name the
// class come first, and those that name another are none.
func (r *resolver) byClass(c class, kinds []known) []candidate {
	var claiming, neutral []candidate
	for _, candidate := range r.candidates {
		p := candidate.pods[0]
		spec := *r.b.specs[p]
		claims := classClaims(spec)
		looks := slices.ContainsFunc(kinds, func(k known) bool { return k.matches(p, imageNames(spec)) })
		switch {
		case slices.Contains(claims, c.name) || slices.Contains(claims, c.controller) || c.name == "" && watchesClassless(spec):
			claiming = append(claiming, candidate)
		case looks && len(claims) == 0:
			neutral = append(neutral, candidate)
		}
	}
	if len(claiming) > 0 {
		return claiming
	}
	return neutral
}

func imageNames(spec corev1.PodSpec) []string {
	var out []string
	for _, c := range spec.Containers {
		out = append(out, c.Image)
	}
	return out
}

// classClaims are the classes that a controller's arguments and environment name, such as
// --ingress-class=nginx and CONTROLLER_INGRESS_CLASS.
func classClaims(spec corev1.PodSpec) []string {
	var out []string
	for _, c := range spec.Containers {
		args := slices.Concat(c.Command, c.Args)
		for i, arg := range args {
			key, value, given := strings.Cut(arg, "=")
			if !strings.HasPrefix(arg, "-") || !namesClass(key) {
				continue
			}
			if !given && i+1 < len(args) {
				value = args[i+1]
			}
			if value != "" {
				out = append(out, value)
			}
		}
		for _, e := range c.Env {
			if e.Value != "" && namesClass(e.Name) {
				out = append(out, e.Value)
			}
		}
	}
	return out
}

// watchesClassless tells whether ingress-nginx is told to serve Ingresses without a class.
func watchesClassless(spec corev1.PodSpec) bool {
	return slices.ContainsFunc(spec.Containers, func(c corev1.Container) bool {
		return slices.ContainsFunc(c.Args, func(a string) bool {
			return a == "--watch-ingress-without-class" || a == "--watch-ingress-without-class=true"
		})
	})
}

func namesClass(key string) bool {
	key = strings.ToLower(key)
	if !strings.Contains(key, "class") { // nearly all keys: spare them the rest
		return false
	}
	key = strings.NewReplacer("-", "", "_", "", ".", "").Replace(key)
	for _, suffix := range []string{"ingressclass", "ingressclassname", "controllerclass"} {
		if strings.HasSuffix(key, suffix) {
			return true
		}
	}
	return false
}

// servicesOf are the Services through which the outside reaches pods.
func (r *resolver) servicesOf(pods []*Pod) []*Service {
	var out []*Service
	for _, s := range r.b.cluster.Services {
		public := s.Type == string(corev1.ServiceTypeLoadBalancer) || s.Type == string(corev1.ServiceTypeNodePort)
		if public && len(s.Selector) > 0 && slices.ContainsFunc(pods, func(p *Pod) bool {
			return p.Namespace == s.Namespace && hasLabels(p.Labels, s.Selector)
		}) {
			out = append(out, s)
		}
	}
	return out
}
