package kind

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
	"sigs.k8s.io/kind/pkg/cluster/nodes"
	"sigs.k8s.io/kind/pkg/cluster/nodeutils"

	"github.com/stagegate/stagegate/internal/cluster"
)

// LoadImages carries images of the local engine into every node that does not have them.
func (p *Provider) LoadImages(ctx context.Context, name string, images []string, progress cluster.Progress) error {
	s, err := p.open(ctx, name, progress)
	if err != nil {
		return err
	}
	defer s.unlock()
	for _, image := range images {
		if err := s.loadImage(ctx, image); err != nil {
			return fmt.Errorf("loading image %s into kind cluster %s: %w", image, s.name, err)
		}
	}
	return nil
}

// LocalImages are those of the images that the local engine has and that were neither
// pushed nor pulled. Engines that give a digest to what they build (Docker with the
// containerd image store) do not show which these are; there it finds none.
func (p *Provider) LocalImages(ctx context.Context, images []string) ([]string, error) {
	e, err := detectEngine(ctx)
	if err != nil {
		return nil, err
	}
	var local []string
	for _, image := range images {
		digests, err := e.run(ctx, "image", "inspect", "--format", "{{len .RepoDigests}}", image)
		if err == nil && strings.TrimSpace(digests) == "0" {
			local = append(local, image)
		}
	}
	return local, ctx.Err()
}

func (s *session) loadImage(ctx context.Context, image string) error {
	without, err := s.nodesWithout(ctx, image)
	if err != nil || len(without) == 0 {
		return err
	}
	file, err := os.CreateTemp("", "stagegate-image-*.tar")
	if err != nil {
		return err
	}
	path := file.Name()
	defer os.Remove(path)
	if err := file.Close(); err != nil {
		return err
	}
	if _, err := s.engine.run(ctx, "save", "--output", path, image); err != nil {
		return err
	}
	for _, node := range without {
		if err := s.loadInto(node, image, func() (io.ReadCloser, error) { return os.Open(path) }); err != nil {
			return err
		}
	}
	return nil
}

// nodesWithout are the nodes that have another image of that reference, or none.
func (s *session) nodesWithout(ctx context.Context, image string) ([]nodes.Node, error) {
	id, err := s.engine.run(ctx, "image", "inspect", "--format", "{{.Id}}", image)
	if err != nil {
		return nil, fmt.Errorf("%w: pull or build the image first", err)
	}
	var mu sync.Mutex
	var without []nodes.Node
	err = s.eachNode(ctx, func(node nodes.Node) error {
		if has, err := nodeutils.ImageID(node, image); err != nil || has != strings.TrimSpace(id) {
			mu.Lock()
			defer mu.Unlock()
			without = append(without, node)
		}
		return nil
	})
	return without, err
}

// LoadArchive carries an image archive (as "docker save" writes it) into every node that
// does not have the image of that reference yet. References must name content, as a
// digest or a tag that is never moved does.
func (p *Provider) LoadArchive(ctx context.Context, name, image string, archive func() (io.ReadCloser, error), progress cluster.Progress) error {
	s, err := p.open(ctx, name, progress)
	if err != nil {
		return err
	}
	defer s.unlock()
	err = s.eachNode(ctx, func(node nodes.Node) error {
		if has(node, image) {
			return nil
		}
		return s.loadInto(node, image, archive)
	})
	if err != nil {
		return fmt.Errorf("loading image %s into kind cluster %s: %w", image, s.name, err)
	}
	return nil
}

func (s *session) eachNode(ctx context.Context, do func(nodes.Node) error) error {
	all, err := s.kind.ListInternalNodes(s.name)
	if err != nil {
		return s.engine.explain(fmt.Errorf("listing its nodes: %w", err))
	}
	if len(all) == 0 {
		return errors.New("there is no such cluster")
	}
	group, ctx := errgroup.WithContext(ctx)
	for _, node := range all {
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return do(node)
		})
	}
	return group.Wait()
}

// has tells whether a node has an image of that full reference. It asks containerd, which
// every node image has.
func has(node nodes.Node, image string) bool {
	var out strings.Builder
	err := node.Command("ctr", "--namespace=k8s.io", "images", "ls", "--quiet", "name=="+image).SetStdout(&out).Run()
	return err == nil && strings.TrimSpace(out.String()) == image
}

func (s *session) loadInto(node nodes.Node, image string, archive func() (io.ReadCloser, error)) error {
	content, err := archive()
	if err != nil {
		return err
	}
	defer content.Close()
	s.progress("loading image %s into node %s", image, node)
	if err := nodeutils.LoadImageArchive(node, content); err != nil {
		return s.engine.explain(fmt.Errorf("node %s: %w", node, err))
	}
	return nil
}
