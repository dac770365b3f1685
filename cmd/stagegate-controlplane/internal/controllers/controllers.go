// Package controllers runs those controllers of kube-controller-manager that make
// objects behave as users know them: workloads, services, namespaces, garbage
// collection, service accounts, disruption budgets and quotas.
package controllers

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	cacheddiscovery "k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/controller-manager/pkg/informerfactory"
)

// rediscovery is how often custom resource types are looked for, by the garbage
// collector and the REST mapper.
const rediscovery = 5 * time.Second

// manager is what the constructors share.
type manager struct {
	config           *rest.Config
	client           kubernetes.Interface
	metadata         metadata.Interface
	informers        informers.SharedInformerFactory
	anyInformers     informerfactory.InformerFactory
	mapper           *restmapper.DeferredDiscoveryRESTMapper
	informersStarted chan struct{}
	rootCA           []byte
	tokenKeyPath     string

	loops []func(context.Context)
}

// Start runs the controllers until the context ends, and returns when their caches
// have been filled. TokenKeyPath is the key that signs tokens kept in Secrets.
func Start(ctx context.Context, config *rest.Config, shared informers.SharedInformerFactory, tokenKeyPath string) error {
	m, err := newManager(config, shared, tokenKeyPath)
	if err != nil {
		return fmt.Errorf("starting controllers: %w", err)
	}
	for _, build := range []func(context.Context) error{
		m.workloads, m.batch, m.services, m.serviceAccounts, m.policies, m.quotas, m.namespaces, m.garbageCollection,
	} {
		if err := build(ctx); err != nil {
			return fmt.Errorf("starting controllers: %w", err)
		}
	}
	m.anyInformers.Start(ctx.Done())
	close(m.informersStarted)
	for _, loop := range m.loops {
		go loop(ctx)
	}
	go wait.UntilWithContext(ctx, func(context.Context) { m.mapper.Reset() }, rediscovery)
	for resource, synced := range shared.WaitForCacheSync(ctx.Done()) {
		if !synced {
			return fmt.Errorf("starting controllers: filling the cache of %v: %w", resource, context.Cause(ctx))
		}
	}
	return nil
}

func newManager(config *rest.Config, shared informers.SharedInformerFactory, tokenKeyPath string) (*manager, error) {
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	metadataClient, err := metadata.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	return &manager{
		config:    config,
		client:    client,
		metadata:  metadataClient,
		informers: shared,
		anyInformers: informerfactory.NewInformerFactory(shared,
			metadatainformer.NewSharedInformerFactory(metadataClient, 0)),
		mapper:           restmapper.NewDeferredDiscoveryRESTMapper(cacheddiscovery.NewMemCacheClient(client.Discovery())),
		informersStarted: make(chan struct{}),
		rootCA:           config.CAData,
		tokenKeyPath:     tokenKeyPath,
	}, nil
}

func (m *manager) run(loop func(context.Context)) { m.loops = append(m.loops, loop) }
