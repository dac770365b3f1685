package live

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/remotecommand"
	"k8s.io/streaming/pkg/httpstream"

	"github.com/stagegate/stagegate/internal/probe"
	"github.com/stagegate/stagegate/internal/probe/image"
)

// watchFor has a probe pod carry out an order with an interval until ctx ends, and hands
// each result to emit as it comes. Orders go over the API server and the kubelet, so no
// policy on pod traffic cuts them off.
func (p *Prober) watchFor(ctx context.Context, pod probePod, order probe.Order, emit func(probe.Result)) error {
	content, err := json.Marshal(order)
	if err != nil {
		return fmt.Errorf("writing the order of a probe: %w", err)
	}
	in := io.MultiReader(bytes.NewReader(content), untilDone{ctx}) // the probe stops when its input ends
	ctx, cancel := later(ctx, stopWait)
	defer cancel()
	return p.execute(ctx, pod, []string{image.Program, "try"}, in, emit)
}

// execute runs a command in a probe pod and reads the results that it prints.
func (p *Prober) execute(ctx context.Context, pod probePod, command []string, in io.Reader, emit func(probe.Result)) error {
	executor, err := p.executor(pod, command, in != nil)
	if err != nil {
		return fmt.Errorf("reaching probe pod %s/%s: %w", pod.namespace, pod.name, err)
	}
	results, lines := io.Pipe()
	read := make(chan error, 1)
	go func() { read <- decode(results, emit) }()
	var complaint bytes.Buffer
	err = executor.StreamWithContext(ctx, remotecommand.StreamOptions{Stdin: in, Stdout: lines, Stderr: &complaint})
	_ = lines.Close()
	if err = errors.Join(err, <-read); err != nil {
		return fmt.Errorf("probing from pod %s/%s: %w %s", pod.namespace, pod.name, err, strings.TrimSpace(complaint.String()))
	}
	return nil
}

func decode(in *io.PipeReader, emit func(probe.Result)) error {
	lines := json.NewDecoder(in)
	for {
		var r probe.Result
		switch err := lines.Decode(&r); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			_ = in.CloseWithError(err) // so that the writer does not wait for ever
			return fmt.Errorf("reading results: %w", err)
		}
		emit(r)
	}
}

// stopWait is for a probe to stop by itself.
const stopWait = 2 * time.Second

// later returns a context that ends some time after ctx.
func later(ctx context.Context, wait time.Duration) (context.Context, context.CancelFunc) {
	out, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(wait, cancel) })
	return out, func() { stop(); cancel() }
}

// untilDone is an input that stays open until ctx ends.
type untilDone struct{ ctx context.Context }

func (u untilDone) Read([]byte) (int, error) {
	<-u.ctx.Done()
	return 0, io.EOF
}

// executor prefers WebSockets, as kubectl does, for API servers behind proxies.
func (p *Prober) executor(pod probePod, command []string, stdin bool) (remotecommand.Executor, error) {
	request := p.clients.CoreV1().RESTClient().Post().Resource("pods").
		Namespace(pod.namespace).Name(pod.name).SubResource("exec").
		VersionedParams(&corev1.PodExecOptions{
			Container: pod.container, Command: command,
			Stdin: stdin, Stdout: true, Stderr: true,
		}, scheme.ParameterCodec)
	spdy, err := remotecommand.NewSPDYExecutor(p.config, "POST", request.URL())
	if err != nil {
		return nil, err
	}
	webSocket, err := remotecommand.NewWebSocketExecutor(p.config, "GET", request.URL().String())
	if err != nil {
		return nil, err
	}
	return remotecommand.NewFallbackExecutor(webSocket, spdy, func(err error) bool {
		return httpstream.IsUpgradeFailure(err) || httpstream.IsHTTPSProxyError(err)
	})
}
