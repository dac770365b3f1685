package topology

import (
	"fmt"

	networkingv1 "k8s.io/api/networking/v1"
)

// The annotations of Ingress classes.
const (
	classAnnotation   = "kubernetes.io/ingress.class" // older than spec.ingressClassName
	defaultAnnotation = networkingv1.AnnotationIsDefaultIngressClass
)

// class is what names an ingress controller.
type class struct {
	kind       string // IngressClass or GatewayClass
	name       string
	controller string // spec.controller; empty where there is no such object
}

func (c class) String() string {
	if c.name == "" {
		return "no " + c.kind
	}
	return c.kind + " " + c.name
}

type ingressClasses struct {
	byName   map[string]class
	defaults []class
}

func newIngressClasses(items []item[networkingv1.IngressClass]) ingressClasses {
	c := ingressClasses{byName: map[string]class{}}
	for _, i := range items {
		found := class{"IngressClass", i.GetName(), i.value.Spec.Controller}
		c.byName[found.name] = found
		if i.GetAnnotations()[defaultAnnotation] == "true" {
			c.defaults = append(c.defaults, found)
		}
	}
	return c
}

// of is the class of an Ingress: by its field, by the older annotation (which needs no
// IngressClass object), or the default. The problem stands where only a label can settle it.
func (c ingressClasses) of(i item[networkingv1.Ingress]) (class, string) {
	name := value(i.value.Spec.IngressClassName)
	if name == "" {
		name = i.GetAnnotations()[classAnnotation]
		if found, ok := c.byName[name]; name != "" && !ok {
			return class{kind: "IngressClass", name: name}, ""
		} else if ok {
			return found, ""
		}
	}
	if found, ok := c.byName[name]; ok {
		return found, ""
	}
	if name != "" {
		return class{kind: "IngressClass", name: name}, fmt.Sprintf("there is no IngressClass %s: controllers ignore an Ingress of an unknown class; make the IngressClass, or add it to the snapshot", name)
	}
	switch len(c.defaults) {
	case 1:
		return c.defaults[0], ""
	case 0:
		return class{kind: "IngressClass"}, ""
	}
	return class{kind: "IngressClass"}, fmt.Sprintf("the Ingress has no class, and there are %d default IngressClasses: set spec.ingressClassName", len(c.defaults))
}
