package pipeline

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/cluster"
	"github.com/stagegate/stagegate/internal/progress"
)

// loadImages carries images of this machine's container engine into the cluster's nodes,
// where its provider can: those that the user named, and those of the change that the
// engine has built itself.
func (s *session) loadImages(ctx context.Context) error {
	provider, err := s.Provider(s.env)
	if err != nil {
		return err
	}
	loader, ok := provider.(cluster.ImageLoader)
	if !ok {
		if len(s.Given.Images) > 0 {
			s.Progress.Note("%s: nodes of %s clusters take their images from a registry: none is loaded", s.env.Name, s.cluster.Provider)
		}
		return nil
	}
	named, err := s.changeImages(ctx)
	if err != nil {
		return err
	}
	local, err := loader.LocalImages(ctx, named)
	if err != nil {
		return fmt.Errorf("looking for images of the change on this machine: %w", err)
	}
	images := slices.Concat(s.Given.Images, local)
	if len(images) == 0 {
		return nil
	}
	slices.Sort(images)
	images = slices.Compact(images)
	return s.step(ctx, "images", func(ctx context.Context, step *progress.Step) (string, error) {
		err := loader.LoadImages(ctx, s.env.ClusterName, images, step.Update)
		return "loaded " + strings.Join(images, ", "), err
	})
}

// changeImages are the images that the change's objects name. Parts whose objects are not
// known beforehand have none.
func (s *session) changeImages(ctx context.Context) ([]string, error) {
	var images []string
	for _, part := range s.change.Parts {
		if _, ok := part.(change.Renderer); !ok {
			continue
		}
		objects, err := renderPart(ctx, part, s.target)
		if err != nil {
			return nil, err
		}
		for _, o := range objects {
			images = appendImages(images, o.Object)
		}
	}
	slices.Sort(images)
	return slices.Compact(images), nil
}

// appendImages adds the images of all lists of containers in an object, wherever its kind
// keeps its pod template.
func appendImages(images []string, v any) []string {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			images = appendImages(images, item)
		}
	case map[string]any:
		for name, field := range v {
			if containers, ok := field.([]any); ok && (name == "containers" || name == "initContainers") {
				images = appendContainerImages(images, containers)
				continue
			}
			images = appendImages(images, field)
		}
	}
	return images
}

func appendContainerImages(images []string, containers []any) []string {
	for _, c := range containers {
		container, _ := c.(map[string]any)
		if image, _ := container["image"].(string); image != "" {
			images = append(images, image)
		}
	}
	return images
}
