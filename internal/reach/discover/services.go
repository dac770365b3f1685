package discover

import (
	"strings"

	"github.com/stagegate/stagegate/internal/reach"
	"github.com/stagegate/stagegate/internal/reach/topology"
)

// workload is where connections start.
type workload struct {
	id        string
	namespace string
	texts     []string
}

// workloads are those that last, in the order of their pods.
func (f *finder) workloads() []workload {
	var out []workload
	seen := map[string]bool{}
	for _, p := range f.cluster.Pods {
		passing := strings.HasPrefix(p.Workload, "job/") || strings.HasPrefix(p.Workload, "cronjob/")
		if !seen[p.Workload] && !passing {
			seen[p.Workload] = true
			out = append(out, workload{p.Workload, p.Namespace, p.Texts})
		}
	}
	return out
}

// namespaceServices adds the edges from every workload to the Services of its namespace.
func (f *finder) namespaceServices() {
	sources := map[string][]workload{}
	for _, w := range f.workloads() {
		sources[w.namespace] = append(sources[w.namespace], w)
	}
	for _, s := range f.cluster.Services {
		f.connect(sources[s.Namespace], s, s.Ports)
	}
}

// allServices adds the edges from every workload to every Service.
func (f *finder) allServices() {
	sources := f.workloads()
	for _, s := range f.cluster.Services {
		f.connect(sources, s, s.Ports)
	}
}

// mentionedServices adds the edges from workloads to the Services that their
// environment, command or arguments name with a namespace. Bare names mean the workload's
// own namespace, whose Services are all there.
func (f *finder) mentionedServices() {
	services := map[[2]string]*topology.Service{}
	for _, s := range f.cluster.Services {
		services[[2]string{s.Namespace, s.Name}] = s
	}
	for _, w := range f.workloads() {
		for _, m := range mentions(w.texts) {
			if s := services[[2]string{m.namespace, m.service}]; s != nil {
				f.connect([]workload{w}, s, m.ports(s))
			}
		}
	}
}

// connect adds the edges from workloads to ports of a Service, but for those from the
// Service's own backend.
func (f *finder) connect(sources []workload, s *topology.Service, ports []topology.ServicePort) {
	if s.Type == "ExternalName" {
		return
	}
	own := backends(s)
	for _, port := range ports {
		to := serviceEndpoint(s.Namespace, s.Name, port)
		for _, w := range sources {
			if !own[w.id] {
				f.add(reach.Edge{From: w.id, To: to}, "Service "+s.Namespace+"/"+s.Name)
			}
		}
	}
}

func backends(s *topology.Service) map[string]bool {
	own := map[string]bool{}
	for _, endpoints := range s.Endpoints {
		for _, e := range endpoints {
			if e.Pod != nil {
				own[e.Pod.Workload] = true
			}
		}
	}
	return own
}
