"""The merge driver: dvc.lock by stage, a .dvc file by the files of its folder."""
