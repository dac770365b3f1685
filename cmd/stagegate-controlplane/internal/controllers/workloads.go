package controllers

import (
	"context"
	"time"

	"k8s.io/client-go/util/flowcontrol"
	"k8s.io/kubernetes/pkg/controller/cronjob"
	"k8s.io/kubernetes/pkg/controller/daemon"
	"k8s.io/kubernetes/pkg/controller/deployment"
	"k8s.io/kubernetes/pkg/controller/job"
	"k8s.io/kubernetes/pkg/controller/replicaset"
	"k8s.io/kubernetes/pkg/controller/replication"
	"k8s.io/kubernetes/pkg/controller/statefulset"
	"k8s.io/kubernetes/pkg/controller/ttlafterfinished"
)

// workers is the number of objects that each controller handles at a time.
const workers = 5

func (m *manager) workloads(ctx context.Context) error {
	apps, core := m.informers.Apps().V1(), m.informers.Core().V1()
	deployments, err := deployment.NewDeploymentController(ctx, apps.Deployments(), apps.ReplicaSets(), core.Pods(), m.client)
	if err != nil {
		return err
	}
	daemonSets, err := daemon.NewDaemonSetsController(ctx, apps.DaemonSets(), apps.ControllerRevisions(), core.Pods(),
		core.Nodes(), m.client, flowcontrol.NewBackOff(time.Second, time.Minute))
	if err != nil {
		return err
	}
	replicaSets := replicaset.NewReplicaSetController(ctx, apps.ReplicaSets(), core.Pods(), m.client, replicaset.BurstReplicas)
	replications := replication.NewReplicationManager(ctx, core.Pods(), core.ReplicationControllers(), m.client, replication.BurstReplicas)
	statefulSets := statefulset.NewStatefulSetController(ctx, core.Pods(), apps.StatefulSets(),
		core.PersistentVolumeClaims(), apps.ControllerRevisions(), m.client)
	m.run(func(ctx context.Context) { deployments.Run(ctx, workers) })
	m.run(func(ctx context.Context) { daemonSets.Run(ctx, workers) })
	m.run(func(ctx context.Context) { replicaSets.Run(ctx, workers) })
	m.run(func(ctx context.Context) { replications.Run(ctx, workers) })
	m.run(func(ctx context.Context) { statefulSets.Run(ctx, workers) })
	return nil
}

func (m *manager) batch(ctx context.Context) error {
	batch := m.informers.Batch().V1()
	// The two nil informers belong to gang scheduling, which is an alpha feature.
	jobs, err := job.NewController(ctx, m.client, m.informers.Core().V1().Pods(), batch.Jobs(), nil, nil)
	if err != nil {
		return err
	}
	cronJobs, err := cronjob.NewControllerV2(ctx, batch.Jobs(), batch.CronJobs(), m.client)
	if err != nil {
		return err
	}
	finished := ttlafterfinished.New(ctx, batch.Jobs(), m.client)
	m.run(func(ctx context.Context) { jobs.Run(ctx, workers) })
	m.run(func(ctx context.Context) { cronJobs.Run(ctx, workers) })
	m.run(func(ctx context.Context) { finished.Run(ctx, workers) })
	return nil
}
