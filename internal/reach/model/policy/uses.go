package policy

import "net/netip"

// Uses collects what a set of expressions looks at, so that pods which differ in nothing
// of it can be evaluated as one.
type Uses struct {
	Labels               map[string]bool
	NamespaceLabels      map[string]bool
	ServiceAccountLabels map[string]bool
	Namespaces           map[string]bool // by name
	EveryNamespace       bool            // any name matters
	ServiceAccountNames  bool
	Nets                 map[netip.Prefix]bool
	Services             map[[2]string]bool // namespace, name
}

// NewUses is the empty collection.
func NewUses() *Uses {
	return &Uses{
		Labels: map[string]bool{}, NamespaceLabels: map[string]bool{}, ServiceAccountLabels: map[string]bool{},
		Namespaces: map[string]bool{}, Nets: map[netip.Prefix]bool{}, Services: map[[2]string]bool{},
	}
}
