// Package live finds out whether edges are reachable by sending packets from where their
// traffic comes from.
//
// From inside the cluster, a disposable pod with the identity of a workload's pod
// (namespace, labels, service account, host network, node) sends them. It is never ready,
// so no Service sends it traffic, unless one publishes addresses that are not ready; where
// one does, the edge is an error. Its controller owner is a Lease of the run, so no
// workload controller adopts it. A PodDisruptionBudget that selects the same labels may
// refuse evictions while it is there. From outside, this process sends them, to the
// address through which an ingress controller is reached.
//
// An edge to what an Ingress or HTTPRoute publishes is a request from its vantage, and new
// connections to the backends from a stand-in of the ingress controller: connections that
// the controller has kept open outlive a policy that forbids new ones.
//
// A stand-in has an address of its own: a policy on blocks of addresses (ipBlock) that tells
// single pods apart sees the stand-in, not the workload.
//
// # Positive controls
//
// A time-out shows that something is unreachable only if the probe itself works. For a
// probe pod this is shown by the kubelet of its node: it requests a page of the probe
// every second through the pod's network interface, a path that the NetworkPolicy API
// promises to leave open ("traffic from the node to its own pods is always allowed"), so
// it shows a working interface even where policies forbid everything else. For a probe on
// the host's network it is that the node's kubelet reports the node ready. For probes
// from outside it is that the API server answers this process. Where the control fails,
// an edge that did not answer is an error, never unreachable.
package live

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"sync"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/stagegate/stagegate/internal/cluster"
	"github.com/stagegate/stagegate/internal/config"
	"github.com/stagegate/stagegate/internal/probe"
	"github.com/stagegate/stagegate/internal/reach"
)

// Options are how to probe. Only Image and RunID are needed.
type Options struct {
	Image    string // the probe's image; nodes must have it or be able to pull it
	RunID    string
	Progress cluster.Progress
	// Checks are the declared checks, for what HTTP, TLS and DNS must answer.
	Checks []config.Check
	// Timeout bounds how long Probe goes on until two rounds agree; 30 s where 0.
	Timeout time.Duration
	// Attempt bounds one attempt at one target, and is at least probe.AnswerTimeout for
	// requests; probe.DefaultTimeout where 0.
	Attempt time.Duration
	// Rounds is how many in a row must agree about an edge; 2 where 0. With 1 it is left to
	// the caller to probe again.
	Rounds int
	// Pause is between rounds; 1 s where 0.
	Pause time.Duration
	// PodWait bounds how long a probe pod may take to run; 2 min where 0.
	PodWait time.Duration
	// Ephemeral probes from ephemeral containers in the real pods, where policy forbids making
	// pods. Kubernetes cannot remove them again: they stay listed in the pods, ended.
	Ephemeral bool
	// MaxNodes is on how many nodes each identity is probed from; 2 where 0.
	MaxNodes int
}

func (o Options) withDefaults() Options {
	if o.Timeout == 0 {
		o.Timeout = 30 * time.Second
	}
	if o.Attempt == 0 {
		o.Attempt = probe.DefaultTimeout
	}
	if o.Rounds == 0 {
		o.Rounds = 2
	}
	if o.Pause == 0 {
		o.Pause = time.Second
	}
	if o.PodWait == 0 {
		o.PodWait = 2 * time.Minute
	}
	if o.MaxNodes == 0 {
		o.MaxNodes = 2
	}
	if o.Progress == nil {
		o.Progress = func(string, ...any) {}
	}
	return o
}

// Prober keeps its probe pods between calls, until Close. Its methods may not be called
// at the same time, except that Probe may run while a Watch does.
type Prober struct {
	config  *rest.Config
	clients kubernetes.Interface
	options Options

	// ephemeralName is that of ephemeral containers, new in each process: one that has ended
	// cannot be started again.
	ephemeralName string
	wary          bool // Fresh was called

	// clock is that of the API server.
	clock func(context.Context) (time.Time, error)

	stopRenewing context.CancelFunc
	renewing     sync.WaitGroup

	mu       sync.Mutex
	pods     map[string]*probePod         // by vantage key
	doors    map[string]door              // by controller and scheme
	forwards map[string]*forwarding       // by pod and port
	seen     map[reach.Edge]reach.Outcome // when last probed
	answered map[reach.Edge]bool          // in any Probe
	latest   probing
	// distinct are the edges whose answers have been told from the controller's own, and
	// direct is what their backends answer themselves.
	distinct map[reach.Edge]bool
	direct   map[reach.Edge]*probe.Result
}

var validRunID = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$`)

// New returns a prober, having removed what crashed runs left in the cluster.
func New(ctx context.Context, config *rest.Config, options Options) (*Prober, error) {
	if !validRunID.MatchString(options.RunID) {
		return nil, fmt.Errorf("the run id %q cannot be a label's value", options.RunID)
	}
	if options.Image == "" {
		return nil, errors.New("live probing needs a probe image")
	}
	config = rest.CopyConfig(config)
	config.QPS, config.Burst = 100, 200
	clients, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("making a client for live probes: %w", err)
	}
	p := &Prober{
		config: config, clients: clients, options: options.withDefaults(),
		ephemeralName: "stagegate-probe-" + strconv.FormatInt(time.Now().UnixNano(), 36),
		pods:          map[string]*probePod{}, doors: map[string]door{},
		forwards: map[string]*forwarding{}, seen: map[reach.Edge]reach.Outcome{}, answered: map[reach.Edge]bool{},
		distinct: map[reach.Edge]bool{}, direct: map[reach.Edge]*probe.Result{},
	}
	p.clock = p.serverTime
	if err := p.sweep(ctx); err != nil {
		return nil, fmt.Errorf("removing probe pods of earlier runs: %w", err)
	}
	renewal, stop := context.WithCancel(context.WithoutCancel(ctx))
	p.stopRenewing = stop
	p.renewing.Go(func() { p.renewLeases(renewal) })
	return p, nil
}

// Fresh takes the probe pods away, so that the next Probe makes new ones. What cuts off
// new pods alone, such as the packet filter of a network plugin that is no more, does not
// show from pods that were there before.
//
// Ephemeral probes are in pods that are not ours to make anew, and are kept.
func (p *Prober) Fresh(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wary = true
	for key, pod := range p.pods {
		if !pod.ephemeral {
			p.drop(ctx, pod)
			delete(p.pods, key)
		}
	}
	return ctx.Err()
}

const closeWait = 30 * time.Second

// Close removes everything that the prober put into the cluster, also when ctx has ended.
// What could not be removed is named in the error.
func (p *Prober) Close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeWait)
	defer cancel()
	p.stopRenewing()
	p.renewing.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, pod := range p.pods {
		pod.talk.hangUp()
	}
	for key, f := range p.forwards {
		f.close()
		delete(p.forwards, key)
	}
	if err := errors.Join(p.stopEphemeral(ctx), p.removeRun(ctx, p.options.RunID)); err != nil {
		return fmt.Errorf("removing probe pods: %w", err)
	}
	clear(p.pods)
	return nil
}
