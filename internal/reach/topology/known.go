package topology

import "strings"

// known is what gives away the pods through which an ingress controller's traffic goes.
type known struct {
	// controllers are the values of spec.controller, or their beginnings.
	controllers []string
	// className is a class name that usually means it, where no IngressClass says more.
	className string
	// labels are sets of labels, each of which is enough; so is a part of an image's name.
	labels []map[string]string
	images []string
	// classless controllers serve Ingresses that have no class.
	classless bool
	// external controllers configure a load balancer outside the cluster.
	external bool
}

const (
	appName      = "app.kubernetes.io/name"
	appComponent = "app.kubernetes.io/component"
)

// knownControllers is taken from the projects' own charts and manifests.
func knownControllers() []known {
	return []known{
		{
			controllers: []string{"traefik.io/"}, className: "traefik", classless: true,
			labels: []map[string]string{{appName: "traefik"}}, images: []string{"/traefik:", "/traefik@"},
		},
		{
			controllers: []string{"k8s.io/ingress-nginx"}, className: "nginx",
			labels: []map[string]string{{appName: "ingress-nginx", appComponent: "controller"}, {appName: "rke2-ingress-nginx", appComponent: "controller"}},
			images: []string{"ingress-nginx/controller", "nginx-ingress-controller"},
		},
		{
			controllers: []string{"nginx.org/ingress-controller"}, className: "nginx",
			labels: []map[string]string{{appName: "nginx-ingress"}, {"app": "nginx-ingress"}}, images: []string{"nginx/nginx-ingress", "nginxinc/nginx-ingress"},
		},
		{
			controllers: []string{"haproxy.org/ingress-controller"}, className: "haproxy",
			labels: []map[string]string{{appName: "kubernetes-ingress"}}, images: []string{"haproxytech/kubernetes-ingress"},
		},
		{
			controllers: []string{"haproxy-ingress.github.io/controller"}, className: "haproxy",
			labels: []map[string]string{{appName: "haproxy-ingress"}}, images: []string{"jcmoraisjr/haproxy-ingress"},
		},
		{
			controllers: []string{"projectcontour.io/"}, className: "contour", classless: true, // Envoy carries the traffic
			labels: []map[string]string{{appName: "contour", appComponent: "envoy"}, {"app": "envoy"}},
		},
		{
			controllers: []string{"istio.io/ingress-controller", "istio.io/gateway-controller"}, className: "istio",
			labels: []map[string]string{{"istio": "ingressgateway"}, {"istio": "ingress"}},
		},
		{
			controllers: []string{"ingress-controllers.konghq.com/", "konghq.com/"}, className: "kong",
			labels: []map[string]string{{appName: "kong", appComponent: "app"}, {appName: "gateway", appComponent: "app"}, {"app": "proxy-kong"}},
		},
		{
			controllers: []string{"cilium.io/ingress-controller", "io.cilium/gateway-controller"}, className: "cilium",
			labels: []map[string]string{{"k8s-app": "cilium-envoy"}},
		},
		{
			controllers: []string{"openshift.io/ingress-to-route"}, className: "openshift-default",
			labels: []map[string]string{{"ingresscontroller.operator.openshift.io/deployment-ingresscontroller": "default"}},
		},
		{
			controllers: []string{"ingress.k8s.aws/alb", "eks.amazonaws.com/alb", "gateway.k8s.aws/", "application-networking.k8s.aws/"},
			className:   "alb", external: true,
		},
		{controllers: []string{"k8s.io/ingress-gce", "networking.gke.io/"}, className: "gce", external: true},
		{controllers: []string{"azure/application-gateway", "alb.networking.azure.io/"}, className: "azure-application-gateway", external: true},
	}
}

// knownFor are the known controllers that a class may mean: by spec.controller, else by
// the class's name, else those that need no class.
func knownFor(c class) []known {
	var out []known
	for _, k := range knownControllers() {
		switch {
		case c.controller != "":
			if k.serves(c.controller) {
				out = append(out, k)
			}
		case c.name == "" && k.classless, c.name != "" && c.name == k.className:
			out = append(out, k)
		}
	}
	return out
}

func (k known) serves(controller string) bool {
	for _, c := range k.controllers {
		if strings.HasPrefix(controller, c) {
			return true
		}
	}
	return false
}

func (k known) matches(p *Pod, images []string) bool {
	for _, l := range k.labels {
		if hasLabels(p.Labels, l) {
			return true
		}
	}
	for _, image := range images {
		for _, part := range k.images {
			if strings.Contains("/"+image, part) {
				return true
			}
		}
	}
	return false
}
