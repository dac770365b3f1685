package apply

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
)

// Clients are the clients of one cluster. They are not throttled on this side: what runs
// at once is bounded instead, and the API server's own fairness does the rest.
type Clients struct {
	Config    *rest.Config
	Dynamic   dynamic.Interface
	Metadata  metadata.Interface
	Typed     kubernetes.Interface
	Discovery discovery.CachedDiscoveryInterface
	// Mapper finds resources of kinds; Refresh makes it see new CRDs.
	Mapper meta.ResettableRESTMapper
}

// NewClients makes the clients; it does not yet talk to the cluster.
func NewClients(config *rest.Config) (*Clients, error) {
	c := rest.CopyConfig(config)
	c.QPS, c.RateLimiter = -1, nil
	c.WarningHandler = rest.NoWarnings{}
	c.UserAgent = FieldManager
	httpClient, err := rest.HTTPClientFor(c)
	if err != nil {
		return nil, fmt.Errorf("making a client for %s: %w", c.Host, err)
	}
	typed, err := kubernetes.NewForConfigAndClient(c, httpClient)
	if err != nil {
		return nil, fmt.Errorf("making a client for %s: %w", c.Host, err)
	}
	dyn, err := dynamic.NewForConfigAndClient(c, httpClient)
	if err != nil {
		return nil, fmt.Errorf("making a client for %s: %w", c.Host, err)
	}
	md, err := metadata.NewForConfigAndClient(c, httpClient)
	if err != nil {
		return nil, fmt.Errorf("making a client for %s: %w", c.Host, err)
	}
	cached := memory.NewMemCacheClient(typed.Discovery())
	return &Clients{
		Config: c, Dynamic: dyn, Metadata: md, Typed: typed, Discovery: cached,
		Mapper: restmapper.NewDeferredDiscoveryRESTMapper(cached),
	}, nil
}

// Refresh forgets what is known of the cluster's APIs, so that new CRDs are found.
func (c *Clients) Refresh() { c.Mapper.Reset() }
