package controllers

import (
	"context"

	"k8s.io/apiserver/pkg/quota/v1/generic"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/scale"
	"k8s.io/client-go/util/keyutil"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/controller"
	"k8s.io/kubernetes/pkg/controller/certificates/rootcacertpublisher"
	"k8s.io/kubernetes/pkg/controller/clusterroleaggregation"
	"k8s.io/kubernetes/pkg/controller/disruption"
	"k8s.io/kubernetes/pkg/controller/endpoint"
	"k8s.io/kubernetes/pkg/controller/endpointslice"
	"k8s.io/kubernetes/pkg/controller/endpointslicemirroring"
	"k8s.io/kubernetes/pkg/controller/garbagecollector"
	"k8s.io/kubernetes/pkg/controller/resourcequota"
	serviceaccounts "k8s.io/kubernetes/pkg/controller/serviceaccount"
	quotainstall "k8s.io/kubernetes/pkg/quota/v1/install"
	"k8s.io/kubernetes/pkg/serviceaccount"
)

// endpointsPerSlice is the default of kube-controller-manager, for slices that are
// computed and for those that mirror Endpoints objects.
const endpointsPerSlice = 100

func (m *manager) services(ctx context.Context) error {
	core, slices := m.informers.Core().V1(), m.informers.Discovery().V1().EndpointSlices()
	computed := endpointslice.NewController(ctx, core.Pods(), core.Services(), core.Nodes(), slices, endpointsPerSlice, m.client, 0)
	mirrored := endpointslicemirroring.NewController(ctx, core.Endpoints(), slices, core.Services(), endpointsPerSlice, m.client, 0)
	endpoints := endpoint.NewEndpointController(ctx, core.Pods(), core.Services(), core.Endpoints(), m.client, 0)
	m.run(func(ctx context.Context) { computed.Run(ctx, workers) })
	m.run(func(ctx context.Context) { mirrored.Run(ctx, workers) })
	m.run(func(ctx context.Context) { endpoints.Run(ctx, workers) })
	return nil
}

func (m *manager) serviceAccounts(ctx context.Context) error {
	core, logger := m.informers.Core().V1(), klog.FromContext(ctx)
	accounts, err := serviceaccounts.NewServiceAccountsController(logger, core.ServiceAccounts(), core.Namespaces(), m.client,
		serviceaccounts.DefaultServiceAccountsControllerOptions())
	if err != nil {
		return err
	}
	key, err := keyutil.PrivateKeyFromFile(m.tokenKeyPath)
	if err != nil {
		return err
	}
	generator, err := serviceaccount.JWTTokenGenerator(serviceaccount.LegacyIssuer, key)
	if err != nil {
		return err
	}
	tokens, err := serviceaccounts.NewTokensController(logger, core.ServiceAccounts(), core.Secrets(), m.client,
		serviceaccounts.TokensControllerOptions{TokenGenerator: generator, RootCA: m.rootCA})
	if err != nil {
		return err
	}
	rootCA, err := rootcacertpublisher.NewPublisher(core.ConfigMaps(), core.Namespaces(), m.client, m.rootCA)
	if err != nil {
		return err
	}
	m.run(func(ctx context.Context) { accounts.Run(ctx, 1) })
	m.run(func(ctx context.Context) { tokens.Run(ctx, workers) })
	m.run(func(ctx context.Context) { rootCA.Run(ctx, 1) })
	return nil
}

func (m *manager) policies(ctx context.Context) error {
	core, apps := m.informers.Core().V1(), m.informers.Apps().V1()
	scaler, err := scale.NewForConfig(m.config, m.mapper, dynamic.LegacyAPIPathResolverFunc,
		scale.NewDiscoveryScaleKindResolver(m.client.Discovery()))
	if err != nil {
		return err
	}
	budgets := disruption.NewDisruptionController(ctx, core.Pods(), m.informers.Policy().V1().PodDisruptionBudgets(),
		core.ReplicationControllers(), apps.ReplicaSets(), apps.Deployments(), apps.StatefulSets(),
		m.client, m.mapper, scaler, m.client.Discovery())
	roles := clusterroleaggregation.NewClusterRoleAggregation(m.informers.Rbac().V1().ClusterRoles(), m.client.RbacV1())
	m.run(func(ctx context.Context) { budgets.Run(ctx, workers) })
	m.run(func(ctx context.Context) { roles.Run(ctx, workers) })
	return nil
}

func (m *manager) quotas(ctx context.Context) error {
	configuration, err := quotainstall.NewQuotaConfigurationForControllers(
		generic.ListerFuncForResourceFunc(m.informers.ForResource), m.informers)
	if err != nil {
		return err
	}
	discover := m.client.Discovery().ServerPreferredNamespacedResources
	quotas, err := resourcequota.NewController(ctx, &resourcequota.ControllerOptions{
		QuotaClient:               m.client.CoreV1(),
		ResourceQuotaInformer:     m.informers.Core().V1().ResourceQuotas(),
		ResyncPeriod:              controller.NoResyncPeriodFunc,
		InformerFactory:           m.anyInformers,
		ReplenishmentResyncPeriod: controller.NoResyncPeriodFunc,
		DiscoveryFunc:             discover,
		IgnoredResourcesFunc:      configuration.IgnoredResources,
		InformersStarted:          m.informersStarted,
		Registry:                  generic.NewRegistry(configuration.Evaluators()),
		UpdateFilter:              quotainstall.DefaultUpdateFilter(),
	})
	if err != nil {
		return err
	}
	m.run(func(ctx context.Context) { quotas.Run(ctx, workers) })
	m.run(func(ctx context.Context) { quotas.Sync(ctx, discover, rediscovery) })
	return nil
}

func (m *manager) garbageCollection(ctx context.Context) error {
	builder := garbagecollector.NewDependencyGraphBuilder(ctx, m.metadata, m.mapper,
		garbagecollector.DefaultIgnoredResources(), m.anyInformers, m.informersStarted)
	collector, err := garbagecollector.NewComposedGarbageCollector(ctx, m.client, m.metadata, m.mapper, builder)
	if err != nil {
		return err
	}
	m.run(func(ctx context.Context) { collector.Run(ctx, 4*workers, rediscovery) })
	m.run(func(ctx context.Context) { collector.Sync(ctx, m.client.Discovery(), rediscovery) })
	return nil
}
