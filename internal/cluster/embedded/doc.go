// Package embedded provides clusters that need neither Docker nor root: a real control
// plane (etcd, kube-apiserver and controllers) in one child process, around which nodes
// and pods are simulated. Objects behave as in any cluster; containers do not run. So
// reachability is modelled there, never probed, and every cluster is disposable.
//
// The child process is stagegate-controlplane, a module of its own; the package
// controlplane finds or builds it. A cluster's state is a directory:
//
//	clusters/NAME.lock       held while one stagegate starts, stops or destroys it
//	clusters/NAME/
//	    run.lock             held by the running control plane, and only by it
//	    pid                  of the control plane, true while run.lock is held
//	    ready                JSON {pid, uid, version}, there while the cluster serves
//	    complete             there once the cluster was ready for the first time
//	    keep                 the cluster outlives the stagegate that started it
//	    kubeconfig           administrator's credentials, mode 0600
//	    log                  of the control plane, from its last start
//	    etcd/ pki/ …         its data and keys
//
// Locks are taken on open files and end with the process that has them, so that a stale
// pid file deceives nobody. A directory without complete is a start that was cut short:
// nothing in it was ever used, and the next start makes it anew. One whose data etcd
// cannot read is moved to clusters/NAME.broken-TIME before that.
//
// Where KUBEBUILDER_ASSETS is set, as for envtest, etcd and kube-apiserver are the
// programs in that directory; controllers and simulation stay those of
// stagegate-controlplane.
//
// # Simulation
//
// There are three nodes, node-1 to node-3 (172.18.0.2 to .4); pods get addresses of
// their node's 10.244.N.0/24 and become ready at once, host-network pods have the node's
// address, Services get 10.96.0.0/16, load balancers 203.0.113.0/24. Pods that are not
// restarted (jobs) succeed at once. Claims of every storage class that exists are bound.
// The annotation stagegate.dev/simulate on a pod, or in a pod template, asks for another
// life:
//
//	not-ready             runs, but never becomes ready
//	crash-loop            CrashLoopBackOff
//	image-pull-back-off   ImagePullBackOff, stays pending
//	failed                ends with exit code 1
//
// Scheduling honours node selectors, node affinity, taints and claims, not requests, pod
// affinity or spread constraints. Webhooks and aggregated APIs that a Service in the
// cluster should serve are refused at once, since nothing serves them; webhooks by URL
// work. No request leaves the machine.
package embedded
