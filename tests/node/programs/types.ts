interface Size { width: number; height: number }
export const area = ({ width, height }: Size): number => width * height;
